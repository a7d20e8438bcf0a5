package sessiontest_test

import (
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

func TestCheckFailsForOneOrder(t *testing.T) {
	for name, fail := range map[string]func(t testing.TB){
		"Error":  func(t testing.TB) { t.Error("is", "bad") },
		"Errorf": func(t testing.TB) { t.Errorf("is %s", "bad") },
		"Fatal":  func(t testing.TB) { t.Fatal("is", "bad"); panic("not reached") },
		"Fatalf": func(t testing.TB) { t.Fatalf("is %s", "bad"); panic("not reached") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newRace(t, session.Config{}, setCount, addOne)
			cleaned := 0
			c.check = func(t testing.TB, order string, _, _ *http.Response) {
				t.Cleanup(func() { cleaned++ })
				if strings.HasPrefix(order, "B") {
					fail(t)
					if !t.Failed() {
						panic("Failed is false")
					}
				}
				if t.Failed() && strings.HasPrefix(order, "A") {
					panic("Failed reports another order")
				}
			}
			r := c.run(t)
			first := slices.IndexFunc(c.orders, func(order string) bool { return strings.HasPrefix(order, "B") })
			r.wants(t, "in this order: "+c.orders[first]+"\nis bad", "sessiontest: 3 of 6 interleavings failed:\n"+strings.Join(c.orders[first:], "\n"))
			if len(r.errors) != 2 || len(c.orders) != 6 || cleaned != 6 {
				t.Errorf("%d errors, %d orders, %d cleanups", len(r.errors), len(c.orders), cleaned)
			}
		})
	}
}

func TestCheckFails(t *testing.T) {
	for name, tc := range map[string]struct {
		check func(t testing.TB)
		want  []string
	}{
		"Fail":      {func(t testing.TB) { t.Fail() }, []string{"6 of 6 interleavings failed:\nA fetch, A save, B fetch, B save\n"}},
		"FailNow":   {func(t testing.TB) { t.FailNow() }, []string{"6 of 6 interleavings failed:\nA fetch, A save, B fetch, B save\n"}},
		"panic":     {func(testing.TB) { panic("boom") }, []string{"in this order: A fetch, A save, B fetch, B save\ncheck panicked: boom\n", "failure_test.go:"}},
		"Goexit":    {func(testing.TB) { runtime.Goexit() }, []string{"check has ended its goroutine", "1 of 1 interleavings failed"}},
		"Skip":      {func(t testing.TB) { t.Skip("not here") }, nil},
		"Log":       {func(t testing.TB) { t.Log("here") }, nil},
		"of the TB": {func(t testing.TB) { t.Setenv("SESSIONTEST", t.TempDir()); <-time.After(1); _ = t.Context().Err() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRace(t, session.Config{}, setCount, addOne)
			c.check = func(t testing.TB, _ string, _, _ *http.Response) {
				tc.check(t)
				if t.Skipped() != (name == "Skip") {
					t.Error("Skipped is wrong")
				}
			}
			c.run(t).wants(t, tc.want...)
			if want := 6; len(c.orders) != want && name != "Goexit" {
				t.Errorf("%d orders; want %d", len(c.orders), want)
			}
		})
	}
}

func TestMessageOfOrdersIsBounded(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, checks(3))
	c.check = func(t testing.TB, _ string, _, _ *http.Response) { t.Error("bad") }
	r := c.run(t)
	r.wants(t, "20 of 20 interleavings failed:\n"+strings.Join(c.orders[:10], "\n")+"\n...")
	if strings.Contains(strings.Join(r.errors, "\n"), c.orders[10]) {
		t.Error("more than ten orders are listed")
	}
}

func TestHandlerPanics(t *testing.T) {
	for name, tc := range map[string]struct {
		value any
		want  []string
	}{
		"with a value":              {"boom", []string{"in this order: A fetch, B fetch\nthe handler of request B panicked: boom\n", "2 of 2 interleavings failed"}},
		"with http.ErrAbortHandler": {http.ErrAbortHandler, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
				if r.URL.Path == "/b" {
					count.Set(s, 2)
					panic(tc.value)
				}
			})
			c.check = func(t testing.TB, _ string, resA, resB *http.Response) {
				if resA == nil || resB != nil {
					t.Errorf("the responses are %v and %v; want nil for B", resA, resB)
				}
			}
			c.run(t).wants(t, tc.want...)
			if want := 2; tc.want == nil && len(c.orders) != want {
				t.Errorf("check was called %d times", len(c.orders))
			}
		})
	}
}

func TestInterleaveEnds(t *testing.T) {
	handlers := map[string]struct {
		handler handlerFunc
		with    func(c *race)
		want    []string
	}{
		"handler ends its goroutine": {
			func(http.ResponseWriter, *http.Request, *session.Session) { runtime.Goexit() },
			nil,
			[]string{"the handler of request A has ended its goroutine", "1 of 1 interleavings failed"},
		},
		"handler waits forever": {
			func(_ http.ResponseWriter, r *http.Request, _ *session.Session) { <-r.Context().Done() },
			nil,
			[]string{"in this order: A fetch, B fetch\n", "for 1h0m0s of the test's clock"},
		},
		"handler repeats a call": {
			func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
				for s.Check(r.Context()) == nil {
				}
			},
			nil,
			[]string{"request A has made 1000 storage calls and B 0"},
		},
		"handler repeats a call that ignores the end of its request": {
			func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
				for s.Touch(r.Context()) == nil {
				}
			},
			nil,
			[]string{"request A has made 1000 storage calls and B 0"},
		},
		"handler depends on earlier runs": {
			nothing, func(c *race) {
				runs := 0
				c.reset = func() { runs++ }
				c.handler = c.m.HandlerFunc(func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
					if runs < 5 {
						_ = s.Check(r.Context())
					}
				})
			},
			[]string{"in this order: B fetch\nthe requests made other storage calls than when they ran in the same order before"},
		},
		"handler depends on chance": {
			func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
				for range rand.IntN(20) {
					_ = s.Check(r.Context())
				}
			},
			nil,
			[]string{"made other storage calls than when they ran in the same order before"},
		},
		"a returns no request": {
			nothing, func(c *race) { c.change = func(*http.Request) *http.Request { return nil } },
			[]string{"sessiontest: Interleave: a has returned no request", "1 of 1 interleavings failed:\n(before the requests)"},
		},
		"a and b return one request": {
			nothing, func(c *race) {
				one := c.request(0)
				c.change = func(*http.Request) *http.Request { return one }
			},
			[]string{"b has returned a request that was used before"},
		},
		"b returns the request of the interleaving before": {
			nothing, func(c *race) {
				requests := map[string]*http.Request{}
				c.change = func(r *http.Request) *http.Request {
					if r.URL.Path == "/a" {
						return r
					}
					if requests["/b"] == nil {
						requests["/b"] = r
					}
					return requests["/b"]
				}
			},
			[]string{"b has returned a request that was used before"},
		},
		"a panics": {
			nothing, func(c *race) { c.reset = func() { panic("boom") } },
			[]string{"a panicked: boom\n"},
		},
		"more interleavings than the limit": {
			checks(3), func(c *race) { c.limit = 19 },
			[]string{"Interleave has stopped after 19 interleavings. There are more, because A makes up to 3 storage calls and B up to 3."},
		},
	}
	for name, tc := range handlers {
		t.Run(name, func(t *testing.T) {
			c := newRace(t, session.Config{}, setCount, tc.handler)
			if tc.with != nil {
				tc.with(c)
			}
			c.run(t).wants(t, tc.want...)
		})
	}
}

func TestInterleaveWithinLimit(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, checks(3))
	c.limit = 20
	c.run(t).wants(t)
}

func TestInterleaveNeedsItsOwnManager(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, nothing)
	other, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c.m = other
	r := c.run(t)
	r.wants(t, "needs a Manager that sessiontest.NewManager has made")
	if !r.ended {
		t.Error("the test goes on")
	}
}

func TestInterleaveNeedsManagerOfRunningTest(t *testing.T) {
	var c *race
	t.Run("ends", func(t *testing.T) { c = newRace(t, session.Config{}, setCount, nothing) })
	c.run(t).wants(t, "needs a Manager that sessiontest.NewManager has made")
}

func TestInterleaveNeedsT(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, nothing)
	r := record(t, func(tb *recorder) {
		sessiontest.Interleave(tb, c.m, c.a, c.b, c.handler, c.checkOne)
	})
	r.wants(t, "Interleave needs a *testing.T, not a *sessiontest_test.recorder")
}

func TestInterleaveIsImpossibleInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRace(t, session.Config{}, setCount, nothing)
		c.run(t).wants(t, "Interleave makes bubbles of package testing/synctest, which is not possible here")
	})
}

func TestManagerLogsOnlyForOrderThatFails(t *testing.T) {
	c := newRace(t, session.Config{}, setCount, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		n, _ := count.Get(s)
		count.Set(s, n+1)
	})
	r := c.run(t)
	r.wants(t)
	if logs := strings.Join(r.logs, "\n"); strings.Contains(logs, "status=409") {
		t.Errorf("the log is %s", logs)
	}
	c.check = func(t testing.TB, _ string, resA, resB *http.Response) {
		if successes(resA, resB) < 2 {
			t.Error("conflict")
		}
	}
	r = c.run(t)
	r.wants(t, "in this order: "+bothFetchFirst)
	if logs := strings.Join(r.logs, "\n"); strings.Count(logs, "status=409") != 1 || !strings.Contains(logs, "in this order: "+bothFetchFirst+"\nthe Manager has logged:\nlevel=WARN") {
		t.Errorf("the log is %s", logs)
	}
}
