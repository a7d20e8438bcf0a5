package session_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/provider/sealed"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleRefreshOutsideOfARequest(t *testing.T) {
	var runs atomic.Int64
	again := to(2, &runs)
	t.Run("after the request", func(t *testing.T) {
		_, c, _ := begun(t)
		s := loaded(c)
		refreshing(t, 1, 2, nil, again)(s)
		c.wantState("a=2")
		c.post(set("a=1")).wantPage(t)
		refreshing(t, 1, 2, nil, again)(s) // it has read 2; the newest is 1
	})
	t.Run("after the request, not stored", func(t *testing.T) {
		w := newWorld(t)
		runs.Store(0)
		refreshing(t, 0, 0, session.ErrHeaderSent, again)(loaded(w.client()))
		if runs.Load() != 0 {
			t.Error("the function ran, though its result could not be saved")
		}
	})
	t.Run("after a change was dropped", func(t *testing.T) {
		_, c, _ := begun(t)
		s := loaded(c)
		keyB.Set(s, 1)
		runs.Store(0)
		refreshing(t, 1, 1, session.ErrRequestDone, again)(s)
		if runs.Load() != 0 {
			t.Error("the function ran")
		}
	})
	t.Run("Sessions", func(t *testing.T) {
		w, c := member(t)
		all, err := w.m.Sessions(t.Context(), "ann")
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		refreshing(t, 1, 2, nil, again)(all[0])
		if got := c.state(); !strings.Contains(got, "a=2") {
			t.Error(got)
		}
	})
	t.Run("the session of Manager.Update", func(t *testing.T) {
		w, c, id := begun(t)
		var s *session.Session
		wantErr(t, w.m.Update(t.Context(), id, func(now *session.Session) error { s = now; return nil }), nil)
		refreshing(t, 1, 2, nil, again)(s)
		c.wantState("a=2")
	})
	t.Run("inside of Update", func(t *testing.T) {
		w, c, id := begun(t)
		inside := func(s *session.Session) error {
			_, err := keyA.Refresh(t.Context(), s, is(1), again)
			if err == nil || !strings.Contains(err.Error(), "inside of Session.Update") {
				t.Error(err)
			}
			return nil
		}
		wantErr(t, w.m.Update(t.Context(), id, inside), nil)
		c.post(func(s *session.Session) { wantErr(t, s.Update(t.Context(), inside), nil) }).wantPage(t)
		c.wantState("a=1")
	})
}

func TestRuleRefreshInsideOfRefresh(t *testing.T) {
	var runs atomic.Int64
	t.Run("of another key", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			refreshing(t, 1, 7, nil, func(ctx context.Context, _ int) (int, error) {
				b, err := keyB.Refresh(ctx, s, is(0), to(5, &runs))
				return b + 2, err
			})(s)
		}).wantPage(t)
		c.wantState("a=7 b=5")
	})
	t.Run("of the same key", func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) {
			_, err := keyA.Refresh(t.Context(), s, is(1), func(ctx context.Context, _ int) (int, error) {
				return keyA.Refresh(ctx, s, is(1), to(5, &runs))
			})
			if err == nil || !strings.Contains(err.Error(), "wait for itself") {
				t.Error(err)
			}
		}).wantPage(t)
		c.wantState("a=1")
	})
	bubble("two keys in opposite order", t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(set("b=1"))
		var both sync.WaitGroup
		began := time.Now()
		for _, keys := range [][]session.Key[int]{{keyA, keyB}, {keyB, keyA}} {
			both.Go(func() {
				c.tab().post(func(s *session.Session) {
					_, _ = keys[0].Refresh(t.Context(), s, is(1), func(ctx context.Context, _ int) (int, error) {
						time.Sleep(time.Second)
						return keys[1].Refresh(ctx, s, is(1), to(2, &runs))
					})
				})
			})
		}
		both.Wait()
		if took := time.Since(began); took > 31*time.Second {
			t.Errorf("they waited for each other for %v", took)
		}
	})
}

// Two keys are renewed at the same time, each once.
func TestRuleRefreshOfTwoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, _ := begun(t)
		c.post(set("b=1")).wantPage(t)
		var runs atomic.Int64
		var all sync.WaitGroup
		began := time.Now()
		for i := range 8 {
			key := []session.Key[int]{keyA, keyB}[i%2]
			all.Go(func() {
				c.tab().post(func(s *session.Session) {
					got, err := key.Refresh(t.Context(), s, is(1), func(context.Context, int) (int, error) {
						runs.Add(1)
						time.Sleep(time.Second)
						return 2, nil
					})
					if got != 2 || err != nil {
						t.Errorf("%d, %v", got, err)
					}
				}).wantPage(t)
			})
		}
		all.Wait()
		if n, took := runs.Load(), time.Since(began); n != 2 || took > 1500*time.Millisecond {
			t.Errorf("%d runs in %v", n, took)
		}
		c.wantState("a=2 b=2")
	})
}

// The goroutines of one request share a lease, too, whether the session is stored or not.
func TestRuleRefreshByGoroutinesOfARequest(t *testing.T) {
	for name, begin := range map[string]func(*testing.T) *client{
		"stored":     func(t *testing.T) *client { _, c, _ := begun(t); return c },
		"not stored": func(t *testing.T) *client { return newWorld(t).client() },
	} {
		bubble(name, t, func(t *testing.T) {
			c := begin(t)
			var runs atomic.Int64
			c.post(func(s *session.Session) {
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						got, err := keyA.Refresh(t.Context(), s, func(n int) bool { return n < 2 }, func(context.Context, int) (int, error) {
							runs.Add(1)
							time.Sleep(time.Second)
							return 2, nil
						})
						if got != 2 || err != nil {
							t.Errorf("%d, %v", got, err)
						}
					})
				}
				all.Wait()
			}).wantPage(t)
			if runs.Load() != 1 {
				t.Errorf("%d runs", runs.Load())
			}
			c.wantState("a=2")
		})
	}
}

// A lease does not count against MaxSize, and a result that does is returned with the
// error.
func TestRuleRefreshAndMaxSize(t *testing.T) {
	text := session.NewKey[string]("text")
	full := func(max int) (*client, func(string) error) {
		w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = max })
		c := w.client()
		return c, func(v string) (err error) {
			c.post(func(s *session.Session) { keyA.Set(s, 1); text.Set(s, v); err = s.Save(t.Context()) })
			return err
		}
	}
	max := 10
	for c, fill := full(max); fill(strings.Repeat("x", 50)) != nil; c, fill = full(max) {
		_, max = c, max+1
	}
	c, fill := full(max)
	wantErr(t, fill(strings.Repeat("x", 50)), nil)
	for value, want := range map[string]error{strings.Repeat("z", 51): session.ErrTooLarge, strings.Repeat("y", 50): nil} {
		c.tab().post(func(s *session.Session) {
			got, err := text.Refresh(t.Context(), s, func(string) bool { return true }, func(context.Context, string) (string, error) {
				c.tab().post(set("a=2")).wantPage(t) // beside the lease, in a session that is full
				return value, nil
			})
			if got != value {
				t.Errorf("returned %q", got)
			}
			wantErr(t, err, want)
		}).wantPage(t)
	}
}

func TestRuleRefreshThatCannotBeEncoded(t *testing.T) {
	value := session.NewKey[any]("any")
	_, c, _ := begun(t)
	c.post(func(s *session.Session) {
		got, err := value.Refresh(t.Context(), s, func(any) bool { return true }, func(context.Context, any) (any, error) { return func() {}, nil })
		wantErr(t, err, session.ErrEncode)
		if got == nil {
			t.Error("the value is not returned")
		}
	}).wantPage(t)
	c.wantState("a=1")
}

// The handler of a safe request runs again after a conflict, but not once it has taken a
// lease. A request that has waited for another's result may run again.
func TestRuleRefreshIsNotReplayed(t *testing.T) {
	for name, waits := range map[string]bool{"took the lease": false, "waited": true} {
		t.Run(name, func(t *testing.T) {
			_, c, _ := begun(t)
			var runs atomic.Int64
			handlers := 0
			a := c.send(http.MethodGet, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
				handlers++
				keyB.Get(s)
				if waits {
					c.tab().post(refreshing(t, 1, 2, nil, to(2, &runs)))
				}
				got, err := keyA.Refresh(t.Context(), s, is(1), to(2, &runs))
				if got != 2 || err != nil {
					t.Errorf("%d, %v", got, err)
				}
				if handlers == 1 {
					c.tab().post(set("b=5"))
				}
				keyB.Set(s, 1)
			})
			wantRuns, code := 1, 409
			if waits {
				wantRuns, code = 2, 200
			}
			if handlers != wantRuns || a.Code != code || runs.Load() != 1 {
				t.Errorf("the handler ran %d times, the function %d times, status %d", handlers, runs.Load(), a.Code)
			}
		})
	}
}

// A store that encrypts, and one whose sessions are moved to another while the function
// runs.
func TestRuleRefreshOverOtherStores(t *testing.T) {
	from, onto := memory.New(), memory.New()
	prepares, err := migrate.New(from, onto, migrate.Options{Prepare: true})
	if err != nil {
		t.Fatal(err)
	}
	moves, err := migrate.New(from, onto, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seals, err := sealed.New(memory.New(), [][]byte{bytes.Repeat([]byte("k"), 32)})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		first, other, last provider.Provider
		meanwhile          func() error
	}{
		"sealed": {seals, seals, seals, func() error { return nil }},
		"moved": {prepares, moves, onto, func() error {
			_, err := moves.MoveAll(t.Context(), migrate.MoveOptions{})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			keys := session.Config{SigningKeys: [][]byte{bytes.Repeat([]byte("k"), 32)}}
			first, other, last := newManager(t, tc.first, keys), newManager(t, tc.other, keys), newManager(t, tc.last, keys)
			cookie := cookieOf(t, first)
			var runs atomic.Int64
			serveOne(first, cookie, refreshing(t, 1, 2, nil, func(context.Context, int) (int, error) {
				serveOne(other, cookie, set("b=1"))
				wantErr(t, tc.meanwhile(), nil)
				serveOne(other, cookie, func(s *session.Session) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					defer cancel()
					_, err := keyA.Refresh(ctx, s, is(1), to(3, &runs))
					wantErr(t, err, context.DeadlineExceeded)
				})
				return 2, nil
			}))
			serveOne(last, cookie, func(s *session.Session) {
				if got := show(s); got != "a=2 b=1" {
					t.Error(got)
				}
			})
			serveOne(last, cookie, refreshing(t, 2, 3, nil, to(3, &runs)))
		})
	}
}
