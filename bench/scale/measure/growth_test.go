package measure_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// measureGrowth compares requests at a large and at a small store of the same kind. The
// visitors are random ones of each.
func measureGrowth(t *testing.T, r *results, large, small *site) {
	t.Helper()
	sites := []struct {
		size string
		*site
	}{{"small", small}, {"large", large}}
	for _, s := range sites {
		s.checkVisitors(t)
	}
	for round := 1; round <= *rounds; round++ {
		r.begin("reads and changes", round)
		for _, route := range []string{"read", "change"} {
			for _, s := range sites {
				r.note("Visit", "/route="+route+"/size="+s.size, s.askFor(t, "/"+route, *period).figures())
			}
		}
	}
}

// checkVisitors makes sure that the store has the visitors' sessions.
func (s *site) checkVisitors(t *testing.T) {
	t.Helper()
	for range 100 {
		if a := ask(s.handler, "/read", s.randomCookie(), ""); a.status != http.StatusOK || a.body != "1" {
			t.Fatalf("a visitor's session was not found: status %d, count %q", a.status, a.body)
		}
	}
}

// askFor sends one request after the other for some time.
func (s *site) askFor(t *testing.T, path string, d time.Duration) (took latencies) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end) || len(took) == 0; {
		a := ask(s.handler, path, s.randomCookie(), "")
		if a.status != http.StatusOK {
			t.Fatalf("%s: status %d", path, a.status)
		}
		took = append(took, a.took())
	}
	return took
}

// measureRevoke ends the sessions of some users of a store, at all their devices.
func measureRevoke(t *testing.T, r *results, size string, s *site, sessions int) {
	t.Helper()
	const users = 20
	var took latencies
	for i := range users {
		owner := ownerName(i * owners(sessions) / users)
		found, err := s.manager.Sessions(t.Context(), owner)
		if err != nil || len(found) != devices {
			t.Fatalf("%s has %d sessions, error %v; want %d", owner, len(found), err, devices)
		}
		start := time.Now()
		if err := s.manager.RevokeAll(t.Context(), owner); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(start))
		if found, err = s.manager.Sessions(t.Context(), owner); err != nil || len(found) != 0 {
			t.Errorf("%s has %d sessions after RevokeAll, error %v", owner, len(found), err)
		}
	}
	r.note("RevokeAll", fmt.Sprint("/size=", size), took.figures())
}
