package scsholdfast_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Parallel requests that put different keys are merged.
func TestDifferentKeysMerge(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "a", 1) })
	use(t, m, token, func(ctx context.Context) {
		m.Put(ctx, "b", m.GetInt(ctx, "a"))
		use(t, m, token, func(ctx context.Context) { m.Put(ctx, "c", 3) })
	})
	use(t, m, token, func(ctx context.Context) {
		if got := fmt.Sprint(m.Keys(ctx)); got != "[a b c]" {
			t.Errorf("keys %s", got)
		}
	})
}

// A request that has read a key which another one has changed answers 409 by ErrorFunc,
// before the response has begun.
func TestLostUpdateIsAConflict(t *testing.T) {
	m, s := newManager(t)
	v := app(t, m, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Handler", "yes")
		m.Put(r.Context(), "n", m.GetInt(r.Context(), "n")+1)
		fmt.Fprint(w, "counted")
	})
	v.get("/")
	s.beforeSave(func() { v.send("GET", "/") })
	res := v.do("GET", "/")
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusConflict || string(body) != "Conflict\n" || res.Header.Get("X-Handler") != "" {
		t.Errorf("status %d, header %v, body %q", res.StatusCode, res.Header, body)
	}
	use(t, m, v.cookie.Value, func(ctx context.Context) {
		if n := m.GetInt(ctx, "n"); n != 2 {
			t.Errorf("%d, want the 2 that were acknowledged", n)
		}
	})
}

func TestErrorFuncGetsTheConflict(t *testing.T) {
	m, s := newManager(t)
	var got error
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		got = err
		w.WriteHeader(http.StatusTeapot)
	}
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), "n", m.GetInt(r.Context(), "n")+1)
	})
	v.do("GET", "/")
	s.beforeSave(func() { v.send("GET", "/") })
	if res := v.do("GET", "/"); res.StatusCode != http.StatusTeapot || !errors.Is(got, session.ErrConflict) {
		t.Errorf("status %d, error %v", res.StatusCode, got)
	}
}

// In Replay no update is lost and none answers 409.
func TestReplay(t *testing.T) {
	m, _ := newManager(t)
	v := app(t, m, m.Replay(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cart, _ := m.Get(r.Context(), "cart").(map[string]int)
		if cart == nil {
			cart = map[string]int{}
			m.Put(r.Context(), "cart", cart)
		}
		cart["eggs"]++ // in place
		m.Put(r.Context(), "n", m.GetInt(r.Context(), "n")+1)
	})).ServeHTTP)
	v.do("POST", "/")
	const parallel = 8
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			if res := v.send("POST", "/"); res.StatusCode != http.StatusOK {
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
	wg.Wait()
	use(t, m, v.cookie.Value, func(ctx context.Context) {
		cart, _ := m.Get(ctx, "cart").(map[string]int)
		if n := m.GetInt(ctx, "n"); n != parallel+1 || cart["eggs"] != parallel+1 {
			t.Errorf("counted %d and %d, want %d", n, cart["eggs"], parallel+1)
		}
	})
}

// A run that met a conflict leaves nothing behind in the next one.
func TestReplayRewinds(t *testing.T) {
	m, s := newManager(t)
	token := use(t, m, "", func(ctx context.Context) {
		m.Put(ctx, "n", 1)
		m.Put(ctx, "cart", map[string]int{})
	})
	var statuses []any
	var deadlines []time.Time
	v := app(t, m, m.Replay(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		statuses = append(statuses, m.Status(r.Context()))
		deadlines = append(deadlines, m.Deadline(r.Context()))
		m.Get(r.Context(), "cart").(map[string]int)["eggs"]++
		m.Put(r.Context(), "n", m.GetInt(r.Context(), "n")+1)
	})).ServeHTTP)
	v.cookie = &http.Cookie{Name: "session", Value: token}
	s.beforeSave(func() {
		use(t, m, token, func(ctx context.Context) { m.Put(ctx, "n", 10) })
	})
	v.get("/")
	use(t, m, token, func(ctx context.Context) {
		if n, cart := m.GetInt(ctx, "n"), m.Get(ctx, "cart").(map[string]int); n != 11 || cart["eggs"] != 1 {
			t.Errorf("n %d, cart %v", n, cart)
		}
	})
	if got := fmt.Sprint(statuses); got != "[0 0]" || !deadlines[0].Equal(deadlines[1]) {
		t.Errorf("statuses %s, deadlines %v, want each run to begin Unmodified", got, deadlines)
	}
}

// What a run has changed in place is not there in the next one, also if it was not to be
// saved.
func TestReplayRewindsUnsavedChangesInPlace(t *testing.T) {
	m, s := newManager(t)
	n := session.NewKey[int]("n")
	token := use(t, m, "", func(ctx context.Context) {
		m.Put(ctx, "n", 1)
		m.Put(ctx, "cart", map[string]int{})
	})
	runs := 0
	v := app(t, m, m.Replay(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		m.Get(r.Context(), "cart").(map[string]int)["eggs"]++
		old, _ := n.Get(m.Session(r.Context()))
		n.Set(m.Session(r.Context()), old+1)
		if runs++; runs == 2 {
			m.Put(r.Context(), "saved", true)
		}
	})).ServeHTTP)
	v.cookie = &http.Cookie{Name: "session", Value: token}
	s.beforeSave(func() {
		use(t, m, token, func(ctx context.Context) { m.Put(ctx, "n", 10) })
	})
	v.get("/")
	use(t, m, token, func(ctx context.Context) {
		if n, cart := m.GetInt(ctx, "n"), m.Get(ctx, "cart").(map[string]int); n != 11 || cart["eggs"] != 1 || runs != 2 {
			t.Errorf("n %d, cart %v, %d runs", n, cart, runs)
		}
	})
}

// A response that answers a conflict has no cookie of the request that failed.
func TestConflictSendsNoCookie(t *testing.T) {
	m, s := newManager(t)
	m.Cookie.Persist = false
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "n", 1) })
	v := app(t, m, func(_ http.ResponseWriter, r *http.Request) {
		m.RememberMe(r.Context(), true)
		m.Put(r.Context(), "n", m.GetInt(r.Context(), "n")+1)
	})
	v.cookie = &http.Cookie{Name: "session", Value: token}
	s.beforeSave(func() {
		use(t, m, token, func(ctx context.Context) { m.Put(ctx, "n", 10) })
	})
	if res := v.do("GET", "/"); res.StatusCode != http.StatusConflict || len(res.Cookies()) > 0 {
		t.Errorf("status %d, cookies %v", res.StatusCode, res.Cookies())
	}
}

// Two requests that move the deadline do not conflict.
func TestDeadlinesDoNotConflict(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "a", 1); setDeadline(time.Hour)(ctx, m) })
	use(t, m, token, func(ctx context.Context) {
		setDeadline(2*time.Hour)(ctx, m)
		use(t, m, token, setDeadlineOf(m, 3*time.Hour))
	})
}

func setDeadlineOf(m manager, d time.Duration) func(ctx context.Context) {
	return func(ctx context.Context) { setDeadline(d)(ctx, m) }
}

func TestPop(t *testing.T) {
	m, s := newManager(t)
	fill := func(ctx context.Context) { m.Put(ctx, "flash", "saved") }
	for _, lastWriteWins := range []bool{false, true} {
		token := use(t, m, "", fill)
		ctx, err := m.Load(context.Background(), token)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.PopString(ctx, "flash"); got != "saved" {
			t.Errorf("popped %q", got)
		}
		if m.Exists(ctx, "flash") || m.PopString(ctx, "flash") != "" {
			t.Error("the value is still there")
		}
		use(t, m, token, func(ctx context.Context) { m.PopString(ctx, "flash") })
		_, _, err = m.Commit(ctx)
		if lastWriteWins && err != nil || !lastWriteWins && !errors.Is(err, session.ErrConflict) {
			t.Errorf("last write wins %v: %v", lastWriteWins, err)
		}
		m, _ = newManager(t)
		m.Store = s
		m.LastWriteWins = func(key string) bool { return key == "flash" }
	}
}

// Remove, Clear and Put without a Get overwrite what a parallel request does.
func TestBlindChangesDoNotConflict(t *testing.T) {
	for name, change := range map[string]func(ctx context.Context, m manager){
		"put":    func(ctx context.Context, m manager) { m.Put(ctx, "n", 5) },
		"remove": func(ctx context.Context, m manager) { m.Remove(ctx, "n") },
		"clear": func(ctx context.Context, m manager) {
			if err := m.Clear(ctx); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := newManager(t)
			token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "n", 1) })
			use(t, m, token, func(ctx context.Context) {
				change(ctx, m)
				use(t, m, token, func(ctx context.Context) { m.Put(ctx, "n", 2) })
			})
			use(t, m, token, func(ctx context.Context) {
				if got, want := m.GetInt(ctx, "n"), map[string]int{"put": 5}[name]; got != want {
					t.Errorf("%d, want %d", got, want)
				}
			})
		})
	}
}

// A logout holds: a parallel request cannot save any more.
func TestDestroyEndsParallelRequests(t *testing.T) {
	m, _ := newManager(t)
	token := use(t, m, "", func(ctx context.Context) { m.Put(ctx, "user", 1) })
	ctx, err := m.Load(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	m.Put(ctx, "late", m.GetInt(ctx, "user"))
	use(t, m, token, func(ctx context.Context) {
		if err := m.Destroy(ctx); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := m.Commit(ctx); !errors.Is(err, session.ErrEnded) {
		t.Errorf("%v, want ErrEnded", err)
	}
	use(t, m, token, func(ctx context.Context) {
		if keys := m.Keys(ctx); len(keys) > 0 {
			t.Errorf("the session lives: %v", keys)
		}
	})
}
