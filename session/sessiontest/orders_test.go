package sessiontest_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

func setCount(s *session.Session) { count.Set(s, 1) }

func nothing(http.ResponseWriter, *http.Request, *session.Session) {}

// checks returns a handler that makes n storage calls.
func checks(n int) handlerFunc {
	return func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		for range n - 1 { // the first call loads the session
			_ = s.Check(r.Context())
		}
	}
}

func TestInterleaveRunsEveryOrderOnce(t *testing.T) {
	binomial := map[int]int{1: 2, 2: 6, 3: 20, 4: 70, 5: 252}
	for n, want := range binomial {
		c := newRace(t, session.Config{}, setCount, checks(n))
		c.run(t).wants(t)
		if len(c.orders) != want {
			t.Errorf("%d interleavings of 2 requests with %d calls; want %d", len(c.orders), n, want)
		}
		for _, order := range c.orders {
			if strings.Count(order, "A fetch") != n || strings.Count(order, "B fetch") != n {
				t.Errorf("the order %q has not %d calls of each request", order, n)
			}
		}
		slices.Sort(c.orders)
		if distinct := slices.Compact(c.orders); len(distinct) != want {
			t.Errorf("%d distinct orders; want %d", len(distinct), want)
		}
	}
}

func TestOrders(t *testing.T) {
	add := func(s *session.Session) {
		n, _ := count.Get(s)
		count.Set(s, n+1)
	}
	one := func(name string) func(handlerFunc, handlerFunc) handlerFunc {
		return func(first, second handlerFunc) handlerFunc {
			return func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				if r.URL.Path == name {
					first(w, r, s)
				} else {
					second(w, r, s)
				}
			}
		}
	}
	onA := one("/a")
	for name, tc := range map[string]struct {
		handler handlerFunc
		with    func(c *race)
		want    []string
		also    []string // some of the orders, if they are not all in want
	}{
		"no storage call": {
			handler: nothing,
			with:    func(c *race) { c.cookie = nil },
			want:    []string{"A runs, B runs", "B runs, A runs"},
		},
		"one request without a storage call": {
			handler: nothing,
			with: func(c *race) {
				c.change = func(r *http.Request) *http.Request {
					if r.URL.Path == "/b" {
						r.Header.Del("Cookie")
					}
					return r
				}
			},
			want: []string{"A fetch, B runs", "B runs, A fetch"},
		},
		"new sessions": {
			handler: func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { add(s) },
			with:    func(c *race) { c.cookie = nil },
			want:    []string{"A create, B create", "B create, A create"},
		},
		"save in the middle": {
			handler: onA(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				add(s)
				_ = s.Save(r.Context())
				user.Set(s, "ann")
			}, nothing),
			want: []string{
				"A fetch, A save, A save, B fetch", "A fetch, A save, B fetch, A save",
				"A fetch, B fetch, A save, A save", "B fetch, A fetch, A save, A save",
			},
		},
		"replay of a POST": {
			handler: func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { add(s) },
			with:    func(c *race) { c.handler = c.m.Replay(c.handler) },
			also:    []string{"A fetch, B fetch, A save, B save: conflict, B fetch, B save"},
		},
		"replay of a GET": {
			handler: func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { add(s) },
			with:    func(c *race) { c.method = http.MethodGet },
			also:    []string{"B fetch, A fetch, B save, A save: conflict, A fetch, A save"},
		},
		"Update of the session": {
			handler: func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
				_ = s.Update(r.Context(), func(s *session.Session) error { add(s); return nil })
			},
			also: []string{
				"A fetch, A fetch, A save, B fetch, B fetch, B save",
				"A fetch, B fetch, A fetch, B fetch, A save, B save: conflict, B fetch, B save",
			},
		},
		"renewal and a change": {
			handler: onA(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Renew() },
				func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { add(s) }),
			also: []string{
				"A fetch, A create, A save tombstone, B fetch tombstone",
				"A fetch, B fetch, A create, A save tombstone, B save: conflict",
				"A fetch, B fetch, A create, B save, A save tombstone: conflict, A save, A save tombstone",
			},
		},
		"logout of a user": {
			handler: onA(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Destroy() }, nothing),
			with:    func(c *race) { c.cookie = cookieOf(c, "ann") },
			also:    []string{"A fetch, A save tombstone, A fetch owner index, B fetch tombstone, A save owner index"},
		},
		"a record is deleted": {
			handler: onA(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				s.Renew()
			}, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.Renew() }),
			also: []string{"A fetch, B fetch, A create, B create, A save tombstone, B save tombstone: conflict, B delete, B create, B fetch tombstone, B save tombstone"},
		},
		"streaming": {
			handler: func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				add(s)
				for range 3 {
					_, _ = w.Write([]byte("line\n"))
					_ = http.NewResponseController(w).Flush()
				}
				_ = s.Check(r.Context())
			},
			also: []string{"A fetch, A save, A fetch, B fetch, B save, B fetch", "A fetch, B fetch, A save, B save: conflict, A fetch"},
		},
		"sleeping": {
			handler: onA(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
				time.Sleep(100 * time.Millisecond)
				add(s)
				time.Sleep(200 * time.Millisecond)
			}, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
				time.Sleep(50 * time.Millisecond)
				add(s)
			}),
			want: []string{
				"A fetch, A save, B fetch, B save",
				"A fetch, B fetch, A save, B save: conflict",
				"A fetch, B fetch, B save, A save: conflict",
				"B fetch, A fetch, A save, B save: conflict",
				"B fetch, A fetch, B save, A save: conflict",
				"B fetch, B save, A fetch, A save",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRace(t, session.Config{}, setCount, tc.handler)
			if tc.with != nil {
				tc.with(c)
			}
			c.run(t).wants(t)
			if tc.want != nil && !slices.Equal(c.orders, tc.want) {
				t.Errorf("the orders are\n%s\nwant\n%s", strings.Join(c.orders, "\n"), strings.Join(tc.want, "\n"))
			}
			for _, order := range tc.also {
				if !slices.Contains(c.orders, order) {
					t.Errorf("no order is %q; the orders are\n%s", order, strings.Join(c.orders, "\n"))
				}
			}
		})
	}
}

// A request that waits for the other one is no choice until the other one has moved on.
func TestOrdersOfRequestThatWaitsForTheOther(t *testing.T) {
	var saved chan struct{}
	c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		if r.URL.Path == "/a" {
			count.Set(s, 2)
			_ = s.Save(r.Context())
			for range 5 {
				_ = s.Check(r.Context())
			}
			close(saved)
		} else {
			<-saved
			_ = s.Check(r.Context())
		}
	})
	next := c.handler
	c.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	var began time.Time
	c.reset = func() { saved, began = make(chan struct{}), time.Now() }
	c.check = func(t testing.TB, _ string, _, _ *http.Response) {
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("the requests have taken %v", d)
		}
	}
	c.run(t).wants(t)
	const checks = "A fetch, A fetch, A fetch, A fetch, A fetch"
	var want []string
	for first := range 7 { // B fetches after so many calls of A
		calls := slices.Insert(strings.Split("A fetch, A save, "+checks, ", "), 7-first, "B fetch")
		want = append(want, strings.Join(calls, ", ")+", B fetch")
	}
	want = append(want, "B fetch, A fetch, A save, "+checks+", B fetch")
	if !slices.Equal(c.orders, want) {
		t.Errorf("the orders are\n%s", strings.Join(c.orders, "\n"))
	}
}

// A request may sleep for half of Config.StoreTimeout while the other one is before a
// call. If it sleeps longer, the other one goes on.
func TestOrdersOfRequestThatSleepsLong(t *testing.T) {
	for _, tc := range []struct {
		sleep time.Duration
		want  []string
	}{
		{time.Second, []string{"A fetch, A fetch, B fetch", "A fetch, B fetch, A fetch", "B fetch, A fetch, A fetch"}},
		{time.Second + 1, []string{"A fetch, B fetch, A fetch", "B fetch, A fetch, A fetch"}},
	} {
		c := newRace(t, session.Config{StoreTimeout: 2 * time.Second}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			if r.URL.Path == "/a" {
				time.Sleep(tc.sleep)
				_ = s.Check(r.Context())
			}
		})
		for range 20 { // the sleep may end at the same moment as the wait for it
			c.orders = nil
			c.run(t).wants(t)
			if !slices.Equal(c.orders, tc.want) {
				t.Fatalf("with a sleep of %v the orders are\n%s", tc.sleep, strings.Join(c.orders, "\n"))
			}
		}
	}
}

// A request that has slept for too long is waited for again at its next calls.
func TestOrdersAfterLongSleep(t *testing.T) {
	c := newRace(t, session.Config{StoreTimeout: 2 * time.Second}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		sleeps := []time.Duration{2 * time.Second, 10 * time.Millisecond}
		if r.URL.Path == "/b" {
			sleeps = []time.Duration{1500 * time.Millisecond, 0}
		}
		for _, d := range sleeps {
			time.Sleep(d)
			_ = s.Check(r.Context())
		}
	})
	c.run(t).wants(t)
	if want := "A fetch, B fetch, A fetch, A fetch, B fetch, B fetch"; !slices.Contains(c.orders, want) {
		t.Errorf("no order is %q; the orders are\n%s", want, strings.Join(c.orders, "\n"))
	}
}

// A goroutine that a request has started may go on for a while, and gets to know of the end
// of its request.
func TestGoroutineOutlivesItsRequest(t *testing.T) {
	var ended atomic.Int64
	c := newRace(t, session.Config{}, setCount, nothing)
	next := c.handler
	c.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() {
			<-r.Context().Done()
			time.Sleep(30 * time.Second)
			ended.Add(1)
		}()
		next.ServeHTTP(w, r)
	})
	c.run(t).wants(t)
	if n := ended.Load(); n != 4 || len(c.orders) != 2 {
		t.Errorf("%d goroutines have ended in %d orders", n, len(c.orders))
	}
}

// Each request may lose to the other one again and again.
func TestOrdersOfRequestsThatSaveTwice(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
		for range 2 {
			count.Update(s, func(n int) int { return n + 1 })
			if err := s.Save(r.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	c.check = func(t testing.TB, _ string, _, _ *http.Response) {
		sessiontest.Read(t, c.m, c.cookie, func(s *session.Session) {
			if n := must(count.Get(s)); n != 5 {
				t.Errorf("the count is %d", n)
			}
		})
	}
	c.run(t).wants(t)
	if len(c.orders) != 30 {
		t.Errorf("%d orders; want 30", len(c.orders))
	}
}

// cookieOf stores a session of that user.
func cookieOf(c *race, owner string) *http.Cookie {
	w := httptest.NewRecorder()
	c.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { s.SetOwner(owner) })(w, httptest.NewRequest(http.MethodPost, "/", nil))
	return w.Result().Cookies()[0]
}
