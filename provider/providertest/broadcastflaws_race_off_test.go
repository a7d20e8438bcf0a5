//go:build !race

package providertest_test

import (
	"context"
	"sync"

	"github.com/holdfast-go/holdfast/provider/memory"
)

// These flaws are data races, which the race detector reports before the rules do.
func init() {
	broadcastFlaws = append(broadcastFlaws, []broadcastFlaw{
		{
			name: "Broadcast keeps the message",
			add: broadcasting(func(ctx context.Context, good *memory.Provider, message []byte) error {
				go func() {
					pause()
					_ = good.Broadcast(context.WithoutCancel(ctx), message)
				}()
				return nil
			}),
			breaks: "broadcast-owned",
		},
		{
			name: "all hear the same bytes",
			add: func() providers {
				var same sync.Map
				return hearing(func(message []byte, heard func([]byte)) {
					shared, _ := same.LoadOrStore(string(message), message)
					pause() // all have it
					heard(shared.([]byte))
				})()
			},
			breaks: "listen-owned",
		},
	}...)
}
