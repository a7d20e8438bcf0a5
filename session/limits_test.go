package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Limits beside those of the Config, from both sides.

func TestARecordOfExactlyMaxSize(t *testing.T) {
	w, _, id := begun(t)
	size := len(w.stored(id).Data)
	for most, status := range map[int]int{size: 200, size - 1: 500} {
		w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = most })
		if a := w.client().post(set("a=1")); a.Code != status {
			t.Errorf("%d bytes with a MaxSize of %d: %d, want %d", size, most, a.Code, status)
		}
	}
}

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

func TestRuleTouchAtExactlyTouchInterval(t *testing.T) {
	for idle, trips := range map[time.Duration]int64{6*time.Minute - time.Millisecond: 1, 6 * time.Minute: 2} {
		bubble(idle.String(), t, func(t *testing.T) {
			w, c, _ := begun(t)
			time.Sleep(idle)
			if n := w.trips(func() { c.post(read(keyA)) }); n != trips {
				t.Errorf("%d trips, want %d", n, trips)
			}
		})
	}
}

// Quotes around a cookie's value are not of it (RFC 6265, section 4.1.1). What has less
// than two is no quoted value.
func TestRuleCookieInQuotes(t *testing.T) {
	_, c, _ := begun(t)
	for value, opens := range map[string]bool{
		c.jar["session"]:               true,
		`"` + c.jar["session"] + `"`:   true,
		`"` + c.jar["session"]:         false,
		`"`:                            false,
		`""`:                           false,
		``:                             false,
		strings.Repeat(`"`, 3):         false,
		`""` + c.jar["session"] + `""`: false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "session="+value)
		c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if s.IsNew() == opens {
				t.Errorf("%s: new %t", value, s.IsNew())
			}
		})(httptest.NewRecorder(), r)
	}
}
