package session_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// The visitor gets a new cookie every 15 minutes. If an old one is used, it was copied: the
// session ends, and its owner is warned.
func ExampleConfig_rotation() {
	sessions, err := session.New(memory.New(), session.Config{
		RotateInterval: 15 * time.Minute,
		RotateGrace:    5 * time.Minute, // a proxy buffers uploads that take as long
		Observer: func(_ context.Context, e session.Event) {
			if e.Op == session.OpEnd && e.EndReason == session.EndTheft {
				fmt.Println("warn", e.Owner)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions.HandlerFunc // handlers need no change

	_, err = session.New(memory.New(), session.Config{RotateInterval: 5 * time.Minute, RotateGrace: 5 * time.Minute})
	fmt.Println(err)

	// Output:
	// session: RotateInterval 5m0s is shorter than 10m0s, which is twice RotateGrace
}
