package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// recording is a middleware's ResponseWriter, which records what is written.
type recording struct {
	http.ResponseWriter
	onWrite func()
	codes   []int
	body    bytes.Buffer
}

func (r *recording) WriteHeader(code int) {
	r.onWrite()
	r.codes = append(r.codes, code)
	r.ResponseWriter.WriteHeader(code)
}

func (r *recording) Write(p []byte) (int, error) {
	r.onWrite()
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// The state in which a second run begins, and what is left of the first.
func TestRuleReplayRuns(t *testing.T) {
	t.Run("each run gets its own request, URL and Header", func(t *testing.T) {
		_, c, _ := begun(t)
		seen := map[*http.Request]bool{}
		h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			seen[r] = true
			if r.URL.Path != "/" || r.Header.Get("X-Run") != "" || len(r.Header["X-List"]) != 1 || r.Header["X-List"][0] != "1" ||
				r.Form != nil || r.Host != "example.com" || r.Method != "PUT" {
				t.Errorf("run %d finds %s %s %s, header %v, form %v", len(seen), r.Method, r.Host, r.URL, r.Header, r.Form)
			}
			r.ParseForm()
			r.URL.Path = "/changed"
			r.Header.Set("X-Run", "1")
			r.Header["X-List"][0] = "2"
			r.Host, r.Method = "other", "GET"
		}}
		r := request("PUT", "")
		r.Header.Set("X-List", "1")
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), r))
		if len(seen) != 2 {
			t.Error("both runs got one request")
		}
	})

	t.Run("a run's response header goes with it", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(w http.ResponseWriter, _ *http.Request, _ *session.Session) {
			w.Header().Add("X-Run", fmt.Sprint(h.runs))
			if h.runs == 1 {
				w.Header().Set("Location", "/x")
				w.Header().Del("X-Outer")
			}
		}
		inner := replay(c.m, h.serve)
		a := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outer", "1")
			inner.ServeHTTP(w, r)
		}), request("GET", ""))
		h.wantReplayed(t, a)
		if got := a.Result().Header; !slices.Equal(got["X-Run"], []string{"2"}) || got.Get("Location") != "" || got.Get("X-Outer") != "1" {
			t.Errorf("the headers are %v", got)
		}
	})

	t.Run("a run's own context ends with it", func(t *testing.T) {
		_, c, _ := begun(t)
		var first context.Context
		h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if first == nil {
				first = r.Context()
			} else if wantErr(t, first.Err(), context.Canceled); r.Context().Err() != nil {
				t.Error("the second run's context is done")
			}
		}}
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), request("GET", "")))
	})

	t.Run("commits at its own writer, before a middleware sees a byte", func(t *testing.T) {
		w, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		var middle *recording
		inner := c.m.Replay(loading(h.serve))
		a := c.serve(c.m.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			middle = &recording{ResponseWriter: rw, onWrite: func() {
				if n := w.store.Saves.Load(); n != 4 {
					t.Errorf("a byte was seen after %d saves; want all 4", n)
				}
			}}
			inner.ServeHTTP(middle, r)
		})), request("GET", ""))
		h.wantReplayed(t, a)
		if middle.body.String() != "page 22" || len(middle.codes) > 1 {
			t.Errorf("the middleware saw %q, %v", middle.body.String(), middle.codes)
		}
	})

	t.Run("the *Session stays valid, from a savepoint at entry", func(t *testing.T) {
		_, c, _ := begun(t)
		var outer *session.Session
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if s != outer {
				t.Error("the leaf has another Session")
			}
			if b, _ := keyB.Get(s); b != 5 {
				t.Errorf("run %d finds b=%d; want what was set outside", h.runs, b)
			}
			if _, ok := keyC.Get(s); ok {
				t.Error("a discarded run's change is still there")
			}
			if h.runs == 1 {
				keyC.Set(s, 3)
				keyB.Delete(s)
			}
		}
		inner := c.m.Replay(loading(h.serve))
		c.serve(c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			outer = load(t, r)
			keyB.Set(outer, 5)
			inner.ServeHTTP(w, r)
			if got := show(outer); got != "a=22 b=5" {
				t.Errorf("afterwards the Session has %q", got)
			}
		})), request("GET", ""))
		if h.runs != 2 {
			t.Errorf("%d runs", h.runs)
		}
		c.wantState("a=22 b=5")
	})

	for _, tc := range []struct {
		rule, theirs string
		runs         int
	}{
		{"a key read outside has changed: 409", "a=7 b=7", 0},
		{"a key read outside has not changed", "a=7", 2},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			_, c, _ := begun(t)
			c.post(set("b=1"))
			rival := c.tab()
			runs := 0
			inner := c.m.Replay(loading(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				runs++
				v, _ := keyA.Get(s)
				keyA.Set(s, v+1)
				if runs == 1 {
					rival.post(set(tc.theirs))
				}
				io.WriteString(w, "page")
			}))
			a := c.serve(c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				keyB.Get(load(t, r))
				inner.ServeHTTP(w, r)
			})), request("POST", ""))
			if tc.runs == 0 {
				a.wantError(t, http.StatusConflict, session.ErrConflict)
				c.wantState("a=7 b=7")
				return
			}
			a.wantPage(t)
			c.wantState("a=8 b=1")
		})
	}

	t.Run("an Update outside is applied again", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		runs := 0
		inner := c.m.Replay(loading(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			v, _ := keyA.Get(s)
			keyA.Set(s, v+1)
			if runs++; runs == 1 {
				rival.post(inOrder(set("a=7"), add(keyB, 10)))
			}
			io.WriteString(w, "page")
		}))
		a := c.serve(c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			keyB.Update(load(t, r), increment) // counts visits
			inner.ServeHTTP(w, r)
		})), request("POST", ""))
		a.wantPage(t)
		c.wantState("a=8 b=11")
	})

	t.Run("what a discarded run has seen of a session that ends is no part of another", func(t *testing.T) {
		w, c := member(t)
		rival := c.tab()
		var owner string
		runs := 0
		c.serve(replay(w.m, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			if runs++; runs == 1 {
				owner = s.Owner()
				keyB.Get(s)
				keyB.Set(s, 1)
				rival.post(set("b=2")).wantPage(t)
				return
			}
			wantErr(t, w.m.RevokeAll(r.Context(), "ann"), nil)
			s.Renew()
			s.SetOwner(owner)
		}), request("POST", "")).wantError(t, http.StatusConflict, session.ErrEnded)
		if owner != "ann" || runs != 2 {
			t.Errorf("the owner was %q, in %d runs; want \"ann\" in 2", owner, runs)
		}
		w.wantSessions("ann")
	})

	t.Run("http.ErrAbortHandler from a discarded run is swallowed", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		runs := 0
		a := c.serve(c.m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			runs++
			v, _ := keyA.Get(s)
			keyA.Set(s, v+1)
			if runs == 1 {
				rival.post(set("a=7"))
			}
			if _, err := io.WriteString(w, "page"); err != nil {
				panic(http.ErrAbortHandler)
			}
		}), request("GET", ""))
		a.wantPage(t)
		c.wantState("a=8")
	})

	for name, tc := range map[string]struct {
		value any
		n     int // conflicts before the panic
	}{
		"any other panic from a discarded run propagates":        {"failed", 1},
		"http.ErrAbortHandler from a run that stands propagates": {http.ErrAbortHandler, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, c, _ := begun(t)
			rival := c.tab()
			runs := 0
			defer func() {
				if v := recover(); v != tc.value {
					t.Errorf("recovered %v", v)
				}
				if runs != 1 {
					t.Errorf("%d runs", runs)
				}
			}()
			c.serve(c.m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
				runs++
				keyA.Get(s)
				keyA.Set(s, 2)
				if runs <= tc.n {
					rival.post(set("a=7"))
				}
				io.WriteString(w, "page")
				panic(tc.value)
			}), request("GET", ""))
		})
	}
}

// What one run leaves to the next.
func TestRuleReplayLeaves(t *testing.T) {
	t.Run("the header map is put back for every run", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 2, also: func(w http.ResponseWriter, _ *http.Request, _ *session.Session) {
			line := w.Header()["X-Outer"]
			if line[0] != "outer" {
				t.Errorf("a run begins with %q", line)
			}
			line[0] = "inner"
		}}
		c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outer", "outer")
			replay(c.m, h.serve).ServeHTTP(w, r)
		}), request("POST", "")).wantPage(t)
		if h.runs != 3 {
			t.Errorf("%d runs", h.runs)
		}
	})

	t.Run("a run's own context ends with it", func(t *testing.T) {
		_, c, _ := begun(t)
		var ctx context.Context
		c.send(http.MethodPost, func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			ctx = r.Context()
			wantErr(t, ctx.Err(), nil)
		}).wantPage(t)
		wantErr(t, ctx.Err(), context.Canceled)
	})

	t.Run("a Close of the body is done in the end", func(t *testing.T) {
		_, c, _ := begun(t)
		body := &watched{Reader: strings.NewReader("0123456789")}
		h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) { r.Body.Close() }}
		r := request("POST", "")
		r.Body, r.ContentLength = body, 10
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), r))
		if !body.closed {
			t.Error("it is still open")
		}
	})

	t.Run("the body of a discarded run reads no more", func(t *testing.T) {
		_, c, _ := begun(t)
		var bodies []io.Reader
		h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if bodies = append(bodies, r.Body); len(bodies) < 2 {
				return
			}
			if n, err := bodies[0].Read(make([]byte, 1)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Errorf("it reads %d bytes, %v", n, err)
			}
			if all, err := io.ReadAll(r.Body); string(all) != "0123456789" || err != nil {
				t.Errorf("the second run reads %q, %v", all, err)
			}
		}}
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), request("POST", "0123456789")))
	})

	t.Run("the keys were listed outside and have changed: 409", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		inner := c.m.Replay(loading(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			v, _ := keyA.Get(s)
			keyA.Set(s, v+1)
			rival.post(set("a=7 b=7"))
		}))
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			load(t, r).Keys()
			inner.ServeHTTP(w, r)
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		c.wantState("a=7 b=7")
	})

	t.Run("what was committed outside is no hindrance", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		inner := c.m.Replay(loading(h.serve))
		h.wantReplayed(t, c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			keyB.Set(s, 5)
			wantErr(t, s.Save(r.Context()), nil)
			inner.ServeHTTP(w, r)
		}))
		c.wantState("a=22 b=5")
	})

	t.Run("a failed commit cancels a context that nobody has asked for anything", func(t *testing.T) {
		w, c, id := begun(t)
		c.handle(http.MethodPost, func(rw http.ResponseWriter, r *http.Request) {
			s, err := session.Load(context.WithoutCancel(r.Context()))
			wantErr(t, err, nil)
			keyA.Set(s, 2)
			w.erase(id)
			io.WriteString(rw, "page")
			wantErr(t, r.Context().Err(), context.Canceled)
			wantErr(t, context.Cause(r.Context()), session.ErrEnded)
		}).wantError(t, http.StatusConflict, session.ErrEnded)
	})
}
