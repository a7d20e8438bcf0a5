package memory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// The store without copies has the same listeners.
func TestSharedBroadcasts(t *testing.T) {
	p := memory.New()
	shared := p.Shared(p)
	for _, tc := range []struct{ from, to provider.Provider }{{p, shared}, {shared, p}} {
		ctx, cancel := context.WithCancel(t.Context())
		var got string
		err := provider.Listen(ctx, tc.to, func() {
			if err := provider.Broadcast(ctx, tc.from, []byte("message")); err != nil {
				t.Error(err)
				cancel()
			}
		}, func(message []byte) {
			got = string(message)
			cancel()
		})
		if got != "message" || !errors.Is(err, context.Canceled) {
			t.Errorf("got message %q and error %v", got, err)
		}
		if n := p.Listeners(); n != 0 {
			t.Errorf("%d listeners are left", n)
		}
	}
}
