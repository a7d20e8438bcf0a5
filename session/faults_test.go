package session_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// wantFaults checks the faults since want or wantFaults was last called.
func (o *watcher) wantFaults(t *testing.T, want ...session.Fault) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	var got []session.Fault
	for _, e := range o.events {
		if e.Op == session.OpFault {
			got = append(got, e.Fault)
		}
	}
	o.events = nil
	if !slices.Equal(got, want) {
		t.Errorf("observed the faults %q; want %q", got, want)
	}
}

func TestRuleFaultsAreObserved(t *testing.T) {
	observed := func(rule string, test func(t *testing.T, w *world, o *watcher), opts ...func(*session.Config)) {
		bubble(rule, t, func(t *testing.T) {
			var o watcher
			test(t, newWorld(t, append(opts, o.option)...), &o)
		})
	}
	inStore := func(cfg *session.Config) { cfg.SigningKeys = nil }

	observed("a session that has vanished, each time", func(t *testing.T, w *world, o *watcher) {
		for range 2 {
			c := w.client()
			w.onSave(expiredAtOnce)
			c.post(set("a=1"))
			c.post(read(keyA))
			o.wantFaults(t, session.FaultVanished)
		}
	})
	observed("a list of an owner's sessions that is full", func(t *testing.T, w *world, o *watcher) {
		wantErr(t, session.FillOwnerIndex(w.m, "ann", 4096, func(int) time.Duration { return 0 }), nil)
		w.client().post(signIn("ann")).wantError(t, 409, session.ErrTooManySessions)
		o.wantFaults(t, session.FaultListFull)
	}, limit(-1, false))
	observed("a ring of keys that the store has lost", func(t *testing.T, w *world, o *watcher) {
		c := w.client()
		c.post(set("a=1"))
		for rec := range provider.List(t.Context(), w.store.Provider, "") {
			if rec.Format == "holdfast-keyring" {
				w.erase(rec.ID)
			}
		}
		time.Sleep(5 * time.Minute)
		c.post(read(keyA))
		o.wantFaults(t, session.FaultKeysLost)
	}, inStore)
	observed("a ring of keys that cannot be read", func(t *testing.T, w *world, o *watcher) {
		w.onFetch(failing)
		w.client().post(set("a=1"))
		o.wantFaults(t, session.FaultKeysFailed)
	}, inStore)
}

// The clock of a bubble begins in 2000. What was saved in another bubble after a while was
// saved by a clock that is ahead.
func TestRuleClockSkewIsObserved(t *testing.T) {
	for rule, tc := range map[string]struct {
		ahead time.Duration
		want  []session.Fault
	}{
		"a clock that is ahead by 5 seconds":           {5 * time.Second, []session.Fault{session.FaultClockSkew}},
		"a clock that is ahead by less does no harm":   {4 * time.Second, nil},
		"the time of the last use is that of no other": {0, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			var rec *provider.Record
			var jar map[string]string
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(tc.ahead)
				w, c, id := begun(t)
				rec, jar = w.stored(id), c.jar
			})
			synctest.Test(t, func(t *testing.T) {
				var o watcher
				w := newWorld(t, o.option)
				wantErr(t, w.store.Provider.Save(t.Context(), rec, 0), nil)
				c := w.client()
				c.jar = jar
				c.post(read(keyA))
				o.wantFaults(t, tc.want...)
				if skewed := len(tc.want) > 0; w.log.has(slog.LevelWarn) != skewed {
					t.Errorf("logged %s", &w.log)
				}
			})
		})
	}
}

func TestRuleRouteOfACommit(t *testing.T) {
	var o watcher
	w, c, _ := begun(t, o.option)
	changes := w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Set(s, 2) })
	saves := func(s *session.Session) {
		keyA.Set(s, 3)
		wantErr(t, s.Save(context.WithoutCancel(t.Context())), nil)
	}
	mux := func(h http.Handler) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("POST /basket/{id}", h)
		return mux
	}
	for rule, tc := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"HandlerFunc in a ServeMux": {mux(changes), "POST /basket/{id}"},
		"Replay in a ServeMux":      {mux(w.m.Replay(changes)), "POST /basket/{id}"},
		"Handler around a ServeMux": {w.m.Handler(mux(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { keyA.Set(load(t, r), 4) }))), "POST /basket/{id}"},
		"Save in HandlerFunc": {mux(w.m.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			keyA.Set(s, 3)
			wantErr(t, s.Save(r.Context()), nil)
		})), "POST /basket/{id}"},
		"Save with a context of no request": {mux(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { saves(s) })), ""},
		"no ServeMux":                       {changes, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			c.post(set("a=1"))
			o.want(t, o.names()...)
			c.serve(tc.handler, httptest.NewRequest(http.MethodPost, "/basket/7", nil))
			events := o.want(t, "load ok", "save ok")
			if got := events[len(events)-1].Route; got != tc.want {
				t.Errorf("the route is %q; want %q", got, tc.want)
			}
		})
	}
}

// names returns the events that want expects now.
func (o *watcher) names() (all []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.events {
		all = append(all, string(e.Op)+" "+string(e.Outcome()))
	}
	return all
}

// The log names the page that conflicts.
func TestRuleRouteIsLogged(t *testing.T) {
	w, c, _ := begun(t, func(cfg *session.Config) { cfg.ErrorHandler = nil })
	mux := http.NewServeMux()
	mux.HandleFunc("POST /basket/{id}", w.m.HandlerFunc(func(out http.ResponseWriter, _ *http.Request, s *session.Session) {
		n, _ := keyA.Get(s)
		c.tab().post(set("a=5"))
		keyA.Set(s, n+1)
		_, _ = io.WriteString(out, "page")
	}))
	if a := c.serve(mux, httptest.NewRequest(http.MethodPost, "/basket/secret", nil)); a.Code != http.StatusConflict {
		t.Fatalf("status %d, want 409", a.Code)
	}
	if log := w.log.String(); !strings.Contains(log, `route="POST /basket/{id}"`) || strings.Contains(log, "secret") {
		t.Errorf("logged %s", log)
	}
}
