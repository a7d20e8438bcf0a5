package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// A commit that can never succeed: the session was destroyed meanwhile.
func TestRuleFailedCommit(t *testing.T) {
	// failing runs rest after a change that can no longer be committed.
	failing := func(t *testing.T, c *client, rest http.HandlerFunc) *answer {
		return c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			keyA.Set(load(t, r), 2)
			c.tab().post((*session.Session).Destroy)
			rest(w, r)
		})
	}

	t.Run("goes to ErrorHandler once, on the raw writer, with a live context, after the handler has returned", func(t *testing.T) {
		var raw http.ResponseWriter
		returned := false
		_, c, _ := begun(t, func(cfg *session.Config) {
			cfg.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
				if !returned {
					t.Error("the handler is still running")
				}
				if r.Context().Err() != nil {
					t.Error("the context is", r.Context().Err())
				}
				if w != raw {
					t.Errorf("the writer is a %T", w)
				}
				answerError(w, r, err)
			}
		})
		a := c.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			raw = rw
			c.m.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				defer func() { returned = true }()
				keyA.Set(load(t, r), 2)
				c.tab().post((*session.Session).Destroy)
				io.WriteString(rw, "page")
				io.WriteString(rw, "more of the page")
			})).ServeHTTP(rw, r)
		}), httptest.NewRequest(http.MethodPost, "/", nil))
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		if a.asked != 1 {
			t.Errorf("ErrorHandler was called %d times", a.asked)
		}
	})

	t.Run("at the handler's return goes to ErrorHandler, too", func(t *testing.T) {
		_, c, _ := begun(t)
		failing(t, c, func(http.ResponseWriter, *http.Request) {}).wantError(t, http.StatusConflict, session.ErrEnded)
	})

	t.Run("is never an error followed by the page", func(t *testing.T) {
		for name, write := range map[string]func(http.ResponseWriter, *http.Request) error{
			"Write":       func(w http.ResponseWriter, _ *http.Request) error { _, err := w.Write([]byte("page")); return err },
			"WriteString": func(w http.ResponseWriter, _ *http.Request) error { _, err := io.WriteString(w, "page"); return err },
			"ReadFrom": func(w http.ResponseWriter, _ *http.Request) error {
				_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("page"))
				return err
			},
			"FlushError": func(w http.ResponseWriter, _ *http.Request) error { return http.NewResponseController(w).Flush() },
			"Hijack": func(w http.ResponseWriter, _ *http.Request) error {
				_, _, err := http.NewResponseController(w).Hijack()
				return err
			},
			"WriteHeader": func(w http.ResponseWriter, _ *http.Request) error {
				w.WriteHeader(201)
				_, err := io.WriteString(w, "page")
				return err
			},
		} {
			t.Run(name+" returns its error, the first time and after", func(t *testing.T) {
				_, c, _ := begun(t)
				a := failing(t, c, func(w http.ResponseWriter, r *http.Request) {
					for range 2 {
						wantErr(t, write(w, r), session.ErrEnded)
					}
				})
				a.wantError(t, http.StatusConflict, session.ErrEnded)
				if a.Flushed {
					t.Error("flushed")
				}
			})
		}
	})

	t.Run("drops later informational responses", func(t *testing.T) {
		_, c, _ := begun(t)
		a := failing(t, c, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(102)
			io.WriteString(w, "page")
			w.WriteHeader(103)
		})
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		if !slices.Equal(a.early, []int{102}) {
			t.Errorf("informational responses %v; want only the one before", a.early)
		}
	})

	t.Run("cancels the handler's context with its cause", func(t *testing.T) {
		_, c, _ := begun(t)
		failing(t, c, func(w http.ResponseWriter, r *http.Request) {
			done := r.Context().Done()
			derived, cancel := context.WithCancel(context.WithValue(r.Context(), answerKey{}, nil))
			defer cancel()
			wantErr(t, r.Context().Err(), nil)
			io.WriteString(w, "page")
			select {
			case <-done:
				<-derived.Done()
			default:
				t.Error("the context is not done")
			}
			wantErr(t, r.Context().Err(), context.Canceled)
			wantErr(t, context.Cause(r.Context()), session.ErrEnded)
			wantErr(t, context.Cause(derived), session.ErrEnded)
		})
	})

	t.Run("cancels a context that nobody asked for before", func(t *testing.T) {
		_, c, _ := begun(t)
		failing(t, c, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "page")
			wantErr(t, r.Context().Err(), context.Canceled)
			wantErr(t, context.Cause(r.Context()), session.ErrEnded)
			late, cancel := context.WithCancel(r.Context())
			defer cancel()
			wantErr(t, context.Cause(late), session.ErrEnded)
		})
	})

	t.Run("puts the header map back in place to what it was at entry", func(t *testing.T) {
		_, c, _ := begun(t)
		a := c.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			header := w.Header()
			header.Set("Vary", "Accept-Encoding")
			header.Set("X-Outer", "1")
			header["X-List"] = []string{"1", "2"}
			c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				keyA.Set(load(t, r), 2)
				c.tab().post((*session.Session).Destroy)
				for name, value := range map[string]string{"Location": "/x", "Content-Length": "4", "ETag": `"1"`, "Trailer": "X-Sum", "X-Outer": "2"} {
					w.Header().Set(name, value)
				}
				w.Header()["X-List"][0] = "3"
				w.Header().Add("Vary", "Accept")
				io.WriteString(w, "page")
			})).ServeHTTP(w, r)
			if header.Get("X-Outer") != "1" {
				t.Error("the outer's header map is another than the error's")
			}
		}), httptest.NewRequest(http.MethodPost, "/", nil))
		a.wantError(t, http.StatusConflict, session.ErrEnded)
		got := a.Result().Header
		if !slices.Contains(got.Values("Vary"), "Accept-Encoding") || slices.Contains(got.Values("Vary"), "Accept") {
			t.Errorf("Vary is %q", got.Values("Vary"))
		}
		if got.Get("X-Outer") != "1" || !slices.Equal(got["X-List"], []string{"1", "2"}) {
			t.Errorf("the outer headers are %q, %q", got["X-Outer"], got["X-List"])
		}
		for _, name := range []string{"Location", "Content-Length", "Etag", "Trailer"} {
			if got.Get(name) != "" {
				t.Errorf("the handler's %s went out with the error", name)
			}
		}
	})

	t.Run("sets no cookie", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.onSave(slices.Repeat([]saveHook{dropped}, 1000)...)
			a := w.client().post(set("a=1"))
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			a.wantCookies(t, 0)
		})
	})

	t.Run("that the handler has seen leaves it its own answer of 400 and above", func(t *testing.T) {
		for _, status := range []int{200, 204, 303, 400, 409, 503} {
			t.Run(fmt.Sprint(status), func(t *testing.T) {
				_, c, _ := begun(t)
				a := failing(t, c, func(w http.ResponseWriter, r *http.Request) {
					wantErr(t, load(t, r).Save(r.Context()), session.ErrEnded)
					w.WriteHeader(status)
				})
				want, asked := status, 0
				if status < 400 {
					want, asked = http.StatusConflict, 1
				}
				if a.Code != want || a.asked != asked {
					t.Errorf("got %d, ErrorHandler called %d times; want %d, %d", a.Code, a.asked, want, asked)
				}
			})
		}
	})

	t.Run("and a panic afterwards: the panic goes on", func(t *testing.T) {
		_, c, _ := begun(t)
		defer func() {
			if v := recover(); v != "failed" {
				t.Errorf("recovered %v", v)
			}
		}()
		failing(t, c, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "page")
			panic("failed")
		})
	})
}

// The changes of a request whose response is a 4xx are committed, unless the last commit
// whose result the handler has seen has failed.
func TestRuleClientErrorCommitsUnlessSaveFailed(t *testing.T) {
	save := func(want error) func(t *testing.T, w *world, s *session.Session) {
		return func(t *testing.T, w *world, s *session.Session) {
			if want != nil {
				w.onSave(refused(want))
			}
			if err := s.Save(t.Context()); (err != nil) != (want != nil) {
				t.Errorf("Save: %v", err)
			}
		}
	}
	update := func(want error) func(t *testing.T, w *world, s *session.Session) {
		return func(t *testing.T, w *world, s *session.Session) {
			if want != nil {
				w.onSave(refused(want))
			}
			if err := s.Update(t.Context(), func(s *session.Session) error { keyC.Update(s, increment); return nil }); (err != nil) != (want != nil) {
				t.Errorf("Update: %v", err)
			}
		}
	}
	changes := func(text string) func(*testing.T, *world, *session.Session) {
		return func(_ *testing.T, _ *world, s *session.Session) { set(text)(s) }
	}
	// The store is down when Session.Update reads the newest session.
	unread := func(t *testing.T, w *world, s *session.Session) {
		w.onFetch(failing, failing, failing, failing)
		wantErr(t, s.Update(t.Context(), func(*session.Session) error { return nil }), session.ErrUnavailable)
	}
	ownError := func(t *testing.T, _ *world, s *session.Session) {
		wantErr(t, s.Update(t.Context(), func(*session.Session) error { return errBroken }), errBroken)
	}
	type step = func(*testing.T, *world, *session.Session)
	for _, tc := range []struct {
		rule  string
		steps []step
		want  string
	}{
		{"nothing was saved before", []step{changes("b=1")}, "a=1 b=1"},
		{"Save succeeded, then a change", []step{changes("b=1"), save(nil), changes("b=2")}, "a=1 b=2"},
		{"Update succeeded, then a change", []step{update(nil), changes("b=2")}, "a=1 b=2 c=1"},
		{"Save succeeded twice, then a change", []step{changes("b=1"), save(nil), changes("b=2"), save(nil), changes("b=3")}, "a=1 b=3"},
		{"Save of nothing succeeded, then a change", []step{save(nil), changes("b=2")}, "a=1 b=2"},
		{"Save failed, then a change", []step{changes("b=1"), save(provider.ErrFull), changes("b=2")}, "a=1"},
		{"Save failed, and succeeded", []step{changes("b=1"), save(provider.ErrFull), save(nil)}, "a=1 b=1"},
		{"Save failed, and succeeded, then a change", []step{changes("b=1"), save(provider.ErrFull), save(nil), changes("b=2")}, "a=1 b=2"},
		{"Update failed, and succeeded, then a change", []step{update(provider.ErrFull), save(nil), changes("b=2")}, "a=1 b=2 c=1"},
		{"Save succeeded, and failed, then a change", []step{changes("b=1"), save(nil), changes("b=2"), save(provider.ErrFull), changes("b=3")}, "a=1 b=1"},
		{"Update could not begin, then a change", []step{unread, changes("b=2")}, "a=1"},
		{"Update could not begin, a Save of nothing succeeded, then a change", []step{unread, save(nil), changes("b=2")}, "a=1 b=2"},
		{"the closure of an Update failed, then a change", []step{ownError, changes("b=2")}, "a=1 b=2"},
	} {
		for _, status := range []int{400, 404, 409, 499} {
			for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
				bubble(fmt.Sprintf("%s/%d/level %d", tc.rule, status, level), t, func(t *testing.T) {
					w, c, _ := begun(t, func(cfg *session.Config) { cfg.Isolation = level })
					a := c.send(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
						for _, do := range tc.steps {
							do(t, w, s)
						}
						http.Error(rw, "of the handler's own", status)
					})
					if a.Code != status || a.asked != 0 {
						t.Errorf("got %d, ErrorHandler called %d times", a.Code, a.asked)
					}
					c.wantState(tc.want)
				})
			}
		}
	}

	t.Run("a change of the last run commits, after a run whose Save has failed", func(t *testing.T) {
		_, c, _ := begun(t)
		runs := 0
		c.send(http.MethodGet, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			if runs++; runs == 1 {
				keyA.Get(s)
				c.tab().post(set("a=7"))
				keyA.Set(s, 2)
				wantErr(t, s.Save(t.Context()), session.ErrConflict)
				return
			}
			keyB.Set(s, 1)
			http.NotFound(rw, nil)
		})
		c.wantState("a=7 b=1")
	})
}

// Changes that a handler's own error response leaves unsaved are dropped with an error,
// which is logged unless the handler has seen it.
func TestRuleClientErrorAfterFailedSaveDrops(t *testing.T) {
	for _, status := range []int{404, 500} {
		w, c, _ := begun(t)
		var kept *session.Session
		c.send(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			kept = s
			keyB.Set(s, 1)
			w.onSave(refused(provider.ErrFull))
			if err := s.Save(t.Context()); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Save: %v", err)
			}
			rw.WriteHeader(status)
		})
		wantErr(t, kept.Save(t.Context()), session.ErrRequestDone)
		if w.log.has(slog.LevelWarn) {
			t.Errorf("%d: logged %q", status, w.log.String())
		}
		if !slices.Contains(strings.Fields(c.state()), "a=1") {
			t.Error("the session is gone")
		}
	}
}

func TestNoErrorFollowsAPageThatMiddlewareHasBegun(t *testing.T) {
	w, c, _ := begun(t)
	rival := c.tab()
	leaf := w.m.Replay(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, _ := session.Load(r.Context())
		n, _ := keyA.Get(s)
		rival.post(set(fmt.Sprint("a=", n+10)))
		keyA.Set(s, n+1)
	}))
	a := c.handle(http.MethodPost, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(rw, "<html>")
		leaf.ServeHTTP(rw, r)
	})
	if got := a.Body.String(); got != "<html>" || a.asked != 0 {
		t.Errorf("body %q; ErrorHandler was asked %d times", got, a.asked)
	}
	if !strings.Contains(w.log.String(), "after the response had begun") {
		t.Errorf("not logged:\n%s", w.log.String())
	}
}
