package session_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Where use extends nothing, what is saved is when the session was last used, and the
// list of the owner's sessions is looked at, too.
func TestRuleLastSeenIsSavedAtExactlyTouchInterval(t *testing.T) {
	for idle, trips := range map[time.Duration]int64{6*time.Minute - time.Millisecond: 1, 6 * time.Minute: 3} {
		bubble(idle.String(), t, func(t *testing.T) {
			w := newWorld(t)
			c := w.client()
			c.post(inOrder(signIn("ann"), func(s *session.Session) { s.Persist(10 * 24 * time.Hour) })).wantPage(t)
			time.Sleep(idle)
			if n := w.trips(func() { c.post(read(keyA)) }); n != trips {
				t.Errorf("%d trips, want %d", n, trips)
			}
		})
	}
}
