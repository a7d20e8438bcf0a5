package sessions_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// boundFleet returns the handler of instances that take turns.
func boundFleet(t *testing.T, instances []provider.Provider) http.Handler {
	t.Helper()
	var handlers []http.Handler
	for _, p := range instances {
		m := ownersManager(t, p, func(cfg *session.Config) { cfg.DeviceBinding = session.BindingRequired })
		handlers = append(handlers, boundRoutes(m))
	}
	var turn atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[turn.Add(1)%int64(len(handlers))].ServeHTTP(w, r)
	})
}

func boundRoutes(m *session.Manager) http.Handler {
	count := session.NewKey[int]("count")
	page := func(do func(*session.Session)) http.Handler {
		return m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			do(s)
			n, _ := count.Get(s)
			fmt.Fprintf(w, "%d, %s", n, s.Binding().State)
		})
	}
	mux := http.NewServeMux()
	mux.Handle("POST /device-binding/", m.DeviceBinding())
	mux.Handle("/login", page(func(s *session.Session) { count.Set(s, 0); s.Renew() }))
	mux.Handle("/count", page(func(s *session.Session) { count.Update(s, func(n int) int { return n + 1 }) }))
	mux.Handle("/logout", page(func(s *session.Session) { s.Destroy() }))
	mux.Handle("/", page(func(*session.Session) {}))
	return mux
}

func wantBound(t *testing.T, v *dbsctest.Browser, h http.Handler, path, want string) {
	t.Helper()
	res := v.Do(h, "GET", "https://example.com"+path)
	if body, _ := io.ReadAll(res.Body); string(body) != want {
		t.Errorf("%s: %s %q; want %q", path, res.Status, body, want)
	}
}

// A session is bound on one instance and refreshed on another, also while requests change
// it; the end of the session ends the binding.
func TestBoundSessions(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, s stores.Store) {
		h := boundFleet(t, s.Instances(t, 2))
		v := dbsctest.New()
		wantBound(t, v, h, "/login", "0, none")
		wantBound(t, v, h, "/", "0, bound")
		thief := v.Thief()

		const rounds, parallel = 3, 4
		for range rounds {
			bound := v.Sessions[0]
			proof := v.Device.Prove(bound.Challenge)
			others := tabs(v, 2*parallel)
			tokens := make([]string, parallel)
			var wg sync.WaitGroup
			for i := range parallel {
				wg.Go(func() { others[parallel+i].Do(h, "GET", "https://example.com/count") })
				wg.Go(func() { tokens[i] = tokenOf(others[i].Refresh(h, bound, proof)) })
			}
			wg.Wait()
			for _, token := range tokens {
				if token == "" || token != tokens[0] {
					t.Errorf("one proof, sent %d times at once, gave the tokens %q", parallel, tokens)
				}
			}
			v = others[0]
			v.Refresh(h, bound, "") // for the challenge
		}
		wantBound(t, v, h, "/", fmt.Sprintf("%d, bound", rounds*parallel))
		wantBound(t, thief, h, "/", "0, none")

		bound := v.Sessions[0]
		wantBound(t, v, h, "/logout", "0, none")
		if res := v.Refresh(h, bound, v.Device.Prove(bound.Challenge)); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("a refresh after the logout: %s", res.Status)
		}
	})
}

// tabs returns copies of a browser, for one goroutine each.
func tabs(v *dbsctest.Browser, n int) (all []*dbsctest.Browser) {
	for range n {
		tab := v.Thief()
		tab.Device = v.Device
		tab.Sessions = []*dbsctest.Session{new(*v.Sessions[0])}
		all = append(all, tab)
	}
	return all
}

// tokenOf returns the bound token in an answer, or its status.
func tokenOf(res *http.Response) string {
	for _, c := range res.Cookies() {
		return c.Value
	}
	return res.Status
}
