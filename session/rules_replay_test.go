package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// contested doubles a and writes its value as the page, while in each of its
// first n runs a rival adds ten. It calls also first, if there is one.
type contested struct {
	rival *client
	n     int
	also  leaf
	runs  int
}

func (h *contested) serve(w http.ResponseWriter, r *http.Request, s *session.Session) {
	h.runs++
	if h.also != nil {
		h.also(w, r, s)
	}
	v, _ := keyA.Get(s)
	keyA.Set(s, 2*v)
	if h.runs <= h.n {
		h.rival.post(add(keyA, 10))
	}
	fmt.Fprintf(w, "page %d", 2*v)
}

// wantReplayed checks that the second run's page came through, and that alone.
func (h *contested) wantReplayed(t testing.TB, a *answer) {
	t.Helper()
	a.wantPage(t)
	if a.Body.String() != "page 22" || h.runs != 2 {
		t.Errorf("got %q after %d runs; want \"page 22\" after 2", a.Body, h.runs)
	}
}

// wantRefused checks that there was no second run.
func (h *contested) wantRefused(t testing.TB, a *answer) {
	t.Helper()
	a.wantError(t, http.StatusConflict, session.ErrConflict)
	if h.runs != 1 {
		t.Errorf("%d runs; want 1", h.runs)
	}
}

func TestRuleReplayWhat(t *testing.T) {
	t.Run("Handler never replays", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.wantRefused(t, c.serve(c.m.Handler(loading(h.serve)), request("GET", "")))
	})

	for _, tc := range []struct {
		method, body string
		safe         bool
	}{
		{"GET", "", true},
		{"HEAD", "", true},
		{"OPTIONS", "", true},
		{"GET", "body", false},
		{"POST", "", false},
		{"POST", "body", false},
		{"PUT", "body", false},
		{"PATCH", "body", false},
		{"DELETE", "", false},
	} {
		name := strings.TrimSpace(tc.method + " " + tc.body)
		t.Run(fmt.Sprintf("HandlerFunc replays %s: %v", name, tc.safe), func(t *testing.T) {
			_, c, _ := begun(t)
			h := &contested{rival: c.tab(), n: 1}
			a := c.serve(c.m.HandlerFunc(h.serve), request(tc.method, tc.body))
			if tc.safe {
				h.wantReplayed(t, a)
			} else {
				h.wantRefused(t, a)
			}
		})
		t.Run("Replay replays "+name, func(t *testing.T) {
			_, c, _ := begun(t)
			h := &contested{rival: c.tab(), n: 1}
			h.wantReplayed(t, c.serve(replay(c.m, h.serve), request(tc.method, tc.body)))
			c.wantState("a=22")
		})
	}

	t.Run("Replay replays a HandlerFunc, whatever the method", func(t *testing.T) {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			_, c, _ := begun(t)
			h := &contested{rival: c.tab(), n: 1}
			h.wantReplayed(t, c.serve(c.m.Handler(c.m.Replay(c.m.HandlerFunc(h.serve))), request(method, "")))
			c.wantState("a=22")
		}
	})

	t.Run("Replay replays a HandlerFunc ReplayAttempts times in all", func(t *testing.T) {
		for _, method := range []string{"GET", "POST"} {
			_, c, _ := begun(t, func(cfg *session.Config) { cfg.ReplayAttempts = 3 })
			h := &contested{rival: c.tab(), n: 100}
			c.serve(c.m.Replay(c.m.HandlerFunc(h.serve)), request(method, "")).wantError(t, http.StatusConflict, session.ErrConflict)
			if h.runs != 3 {
				t.Errorf("%s: %d runs", method, h.runs)
			}
		}
	})

	t.Run("Replay works alone", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.wantReplayed(t, c.serve(c.m.Replay(loading(h.serve)), request("POST", "")))
	})

	t.Run("HandlerFunc inside its Manager's Handler replays and commits once", func(t *testing.T) {
		w, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		saves := w.store.Saves.Load()
		h.wantReplayed(t, c.serve(c.m.Handler(c.m.HandlerFunc(h.serve)), request("GET", "")))
		if n := w.store.Saves.Load() - saves; n != 3 {
			t.Errorf("%d saves; want the rival's, the conflict and one commit", n)
		}
	})

	t.Run("ReplayAttempts is the total of runs", func(t *testing.T) {
		for attempts, want := range map[int]int{1: 1, 3: 3, 0: 10} {
			t.Run(fmt.Sprint(attempts), func(t *testing.T) {
				_, c, _ := begun(t, func(cfg *session.Config) { cfg.ReplayAttempts = attempts })
				h := &contested{rival: c.tab(), n: 100}
				c.serve(c.m.HandlerFunc(h.serve), request("GET", "")).wantError(t, http.StatusConflict, session.ErrConflict)
				if h.runs != want {
					t.Errorf("%d runs; want %d", h.runs, want)
				}
			})
		}
	})

	t.Run("an unknown outcome is not replayed", func(t *testing.T) {
		w, c, id := begun(t)
		h := &contested{}
		w.onSave(after(dropped, func() { w.erase(id) }))
		c.serve(replay(c.m, h.serve), request("GET", "")).wantError(t, http.StatusServiceUnavailable, session.ErrOutcomeUnknown)
		if h.runs != 1 {
			t.Errorf("%d runs", h.runs)
		}
	})

	t.Run("a save that turns out to have landed is not replayed", func(t *testing.T) {
		w, c, _ := begun(t)
		rival := c.tab()
		h := &contested{}
		w.onSave(after(landed, func() { rival.post(add(keyA, 10)) }))
		c.serve(replay(c.m, h.serve), request("GET", "")).wantPage(t)
		if h.runs != 1 {
			t.Errorf("%d runs", h.runs)
		}
		c.wantState("a=12")
	})

	t.Run("a conflict after the header is not replayed", func(t *testing.T) {
		w, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1, also: func(w http.ResponseWriter, _ *http.Request, _ *session.Session) {
			http.NewResponseController(w).Flush()
		}}
		c.serve(replay(c.m, h.serve), request("GET", "")).wantPage(t)
		if h.runs != 1 || !w.log.has(slog.LevelWarn) {
			t.Errorf("%d runs, logged %q", h.runs, w.log.String())
		}
		c.wantState("a=11")
	})
}

// Runs that may not be repeated.
func TestRuleNotReplayed(t *testing.T) {
	ctx := context.Background()
	token := session.NewKey[string]("token")
	begin := func(t *testing.T) *client {
		_, c, _ := begun(t)
		c.post(func(s *session.Session) { token.Set(s, "secret") })
		return c
	}
	for _, tc := range []struct {
		rule         string
		also         func(*session.Session)
		auto, replay bool // replayed by HandlerFunc, by Replay
	}{
		{"a run that saved itself", func(s *session.Session) { keyB.Set(s, 1); s.Save(ctx) }, false, false},
		{"a run that updated itself", func(s *session.Session) { s.Update(ctx, setting("b=1")) }, false, false},
		{"a run that popped a key", func(s *session.Session) { token.Pop(s) }, false, true},
		{"a run that popped what may be lost", func(s *session.Session) { token.LastWriteWins().Pop(s) }, true, true},
		{"a run that renewed", (*session.Session).Renew, false, true},
		{"a run that did nothing such", func(*session.Session) {}, true, true},
		{"a run whose own Update failed in fn", func(s *session.Session) {
			s.Update(ctx, func(*session.Session) error { return errors.New("failed") })
		}, true, true},
	} {
		for name, way := range map[string]struct {
			wrap  func(*session.Manager, leaf) http.Handler
			again bool
		}{
			"HandlerFunc": {httpWithHandlerFunc, tc.auto},
			"Replay":      {replay, tc.replay},
		} {
			t.Run(tc.rule+"/"+name, func(t *testing.T) {
				c := begin(t)
				h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { tc.also(s) }}
				a := c.serve(way.wrap(c.m, h.serve), request("GET", ""))
				if way.again {
					h.wantReplayed(t, a)
				} else {
					h.wantRefused(t, a)
				}
			})
		}
	}

	t.Run("a run that destroyed", func(t *testing.T) {
		c := begin(t)
		rival := c.tab()
		runs := 0
		c.get(func(s *session.Session) {
			runs++
			token.Pop(s)
			s.Destroy()
			rival.post(func(s *session.Session) { token.Set(s, "other") })
		}).wantError(t, http.StatusConflict, session.ErrConflict)
		if runs != 1 {
			t.Errorf("%d runs", runs)
		}
	})

	t.Run("a run that destroyed, where Replay opted in, is replayed", func(t *testing.T) {
		c := begin(t)
		rival := c.tab()
		var took []string
		a := c.serve(replay(c.m, func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			v, _ := token.Pop(s)
			s.Destroy()
			if took = append(took, v); len(took) == 1 {
				rival.post(func(s *session.Session) { token.Set(s, "other") })
			}
		}), request("POST", ""))
		a.wantPage(t)
		if !slices.Equal(took, []string{"secret", "other"}) {
			t.Errorf("the runs took %q", took)
		}
		rival.wantState("empty")
	})

	t.Run("after a failed commit that run's Session is dead", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		runs := 0
		c.serve(c.m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			if runs++; runs > 1 {
				return
			}
			keyA.Get(s)
			rival.post(set("a=7"))
			keyA.Set(s, 2)
			_, err := io.WriteString(w, "page")
			wantErr(t, err, session.ErrConflict)
			keyB.Set(s, 9)
			wantErr(t, s.Save(ctx), session.ErrConflict)
			wantErr(t, s.Update(ctx, setting("c=9")), session.ErrConflict)
		}), request("GET", ""))
		c.wantState("a=7")
	})
}

// What a second run finds, and what is left of the first.
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

// recording is a middleware's writer.
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

func TestRuleReplayBody(t *testing.T) {
	t.Run("is recorded as it is read, never read ahead; Close is deferred", func(t *testing.T) {
		_, c, _ := begun(t)
		body := &watched{Reader: strings.NewReader("0123456789")}
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if h.runs == 1 {
				io.ReadFull(r.Body, make([]byte, 4))
				if body.read != 4 {
					t.Errorf("%d bytes are read; the handler asked for 4", body.read)
				}
				r.Body.Close()
				if body.closed {
					t.Error("closed while a re-run may need it")
				}
				return
			}
			if body.read != 4 {
				t.Errorf("%d bytes are read before the second run", body.read)
			}
			if all, err := io.ReadAll(r.Body); string(all) != "0123456789" || err != nil {
				t.Errorf("the second run reads %q, %v", all, err)
			}
		}
		r := request("POST", "")
		r.Body, r.ContentLength = body, 10
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), r))
	})

	t.Run("a run that reads none leaves it to the next", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 2}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			want := []string{"", "012", "0123456789"}[h.runs-1]
			got := make([]byte, len(want))
			io.ReadFull(r.Body, got)
			if string(got) != want {
				t.Errorf("run %d reads %q", h.runs, got)
			}
		}
		c.serve(replay(c.m, h.serve), request("POST", "0123456789")).wantPage(t)
		if h.runs != 3 {
			t.Errorf("%d runs", h.runs)
		}
	})

	t.Run("an error of the body comes at its place again", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if all, err := io.ReadAll(r.Body); string(all) != "0123" || !errors.Is(err, errBroken) {
				t.Errorf("run %d reads %q, %v", h.runs, all, err)
			}
		}
		r := request("POST", "")
		r.Body = io.NopCloser(&broken{Reader: strings.NewReader("0123")})
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), r))
	})

	for _, tc := range []struct {
		rule   string
		length int
		again  bool
	}{
		{"up to MaxReplayBody is replayed", 8, true},
		{"over MaxReplayBody is 409", 9, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			_, c, _ := begun(t, func(cfg *session.Config) { cfg.MaxReplayBody = 8 })
			h := &contested{rival: c.tab(), n: 1, also: func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
				if all, err := io.ReadAll(r.Body); len(all) != tc.length || err != nil {
					t.Errorf("read %d bytes, %v", len(all), err)
				}
			}}
			a := c.serve(replay(c.m, h.serve), request("POST", strings.Repeat("x", tc.length)))
			if tc.again {
				h.wantReplayed(t, a)
			} else {
				h.wantRefused(t, a)
			}
		})
	}

	t.Run("over MaxReplayBody, unread, is no hindrance", func(t *testing.T) {
		_, c, _ := begun(t, func(cfg *session.Config) { cfg.MaxReplayBody = 8 })
		h := &contested{rival: c.tab(), n: 1}
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), request("POST", strings.Repeat("x", 100))))
	})

	t.Run("a MaxBytesReader starts anew", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1, also: func(w http.ResponseWriter, r *http.Request, _ *session.Session) {
			r.Body = http.MaxBytesReader(w, r.Body, 10)
			if all, err := io.ReadAll(r.Body); len(all) != 10 || err != nil {
				t.Errorf("read %d bytes, %v", len(all), err)
			}
		}}
		h.wantReplayed(t, c.serve(replay(c.m, h.serve), request("POST", "0123456789")))
	})

	t.Run("a MaxBytesReader of a middleware counts once", func(t *testing.T) {
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1, also: func(w http.ResponseWriter, r *http.Request, _ *session.Session) {
			if all, err := io.ReadAll(r.Body); len(all) != 10 || err != nil {
				t.Errorf("read %d bytes, %v", len(all), err)
			}
		}}
		h.wantReplayed(t, c.serve(http.MaxBytesHandler(replay(c.m, h.serve), 10), request("POST", "0123456789")))
	})

	t.Run("forms of discarded runs are removed, the last one's is handed back", func(t *testing.T) {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			if err := r.ParseMultipartForm(0); err != nil {
				t.Error(err)
			}
			if files, _ := os.ReadDir(dir); len(files) != 1 {
				t.Errorf("in run %d there are %d temporary files", h.runs, len(files))
			}
		}
		body, contentType := multipartBody("file", "content")
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.Header.Set("Content-Type", contentType)
		inner := replay(c.m, h.serve)
		a := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(w, r)
			if r.MultipartForm == nil {
				t.Fatal("the form is not handed back")
			}
			r.MultipartForm.RemoveAll() // as net/http does
		}), r)
		h.wantReplayed(t, a)
		if files, _ := os.ReadDir(dir); len(files) != 0 {
			t.Errorf("%d temporary files are left", len(files))
		}
	})
}

func TestRuleReplayOuterForm(t *testing.T) {
	t.Run("a form parsed outside, by a CSRF check, is there for every run", func(t *testing.T) {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		_, c, _ := begun(t)
		h := &contested{rival: c.tab(), n: 1}
		h.also = func(_ http.ResponseWriter, r *http.Request, _ *session.Session) {
			file, _, err := r.FormFile("file")
			if err != nil {
				t.Errorf("run %d: %v", h.runs, err)
				return
			}
			defer file.Close()
			if content, err := io.ReadAll(file); string(content) != "content" {
				t.Errorf("run %d reads %q, %v", h.runs, content, err)
			}
		}
		body, contentType := multipartBody("file", "content")
		r := httptest.NewRequest(http.MethodPost, "/", body)
		r.Header.Set("Content-Type", contentType)
		inner := replay(c.m, h.serve)
		h.wantReplayed(t, c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := r.ParseMultipartForm(0); err != nil {
				t.Error(err)
			}
			defer r.MultipartForm.RemoveAll()
			inner.ServeHTTP(w, r)
		}), r))
	})
}

// watched is a body that knows how far it was read.
type watched struct {
	io.Reader
	read   int
	closed bool
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *watched) Close() error { b.closed = true; return nil }

// broken is a body whose client goes away. It must not be asked again after that.
type broken struct {
	io.Reader
	gone bool
}

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == nil {
		return n, nil
	}
	if b.gone {
		return n, io.EOF
	}
	b.gone = true
	return n, errBroken
}
