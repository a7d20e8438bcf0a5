package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleCommitPoints(t *testing.T) {
	nothing := strings.NewReader("")
	for _, tc := range []struct {
		rule    string
		do      func(http.ResponseWriter) error
		commits bool
	}{
		{"WriteHeader(200)", func(w http.ResponseWriter) error { w.WriteHeader(200); return nil }, true},
		{"WriteHeader(404)", func(w http.ResponseWriter) error { w.WriteHeader(404); return nil }, true},
		{"WriteHeader(101)", func(w http.ResponseWriter) error { w.WriteHeader(101); return nil }, true},
		{"WriteHeader(103)", func(w http.ResponseWriter) error { w.WriteHeader(103); return nil }, false},
		{"WriteHeader(100)", func(w http.ResponseWriter) error { w.WriteHeader(100); return nil }, false},
		{"Header", func(w http.ResponseWriter) error { w.Header().Set("X-Page", "1"); return nil }, false},
		{"Write", func(w http.ResponseWriter) error { _, err := w.Write([]byte("page")); return err }, true},
		{"WriteString", func(w http.ResponseWriter) error { _, err := io.WriteString(w, "page"); return err }, true},
		{"FlushError", func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() }, true},
		{"Flush", func(w http.ResponseWriter) error { w.(http.Flusher).Flush(); return nil }, true},
		{"ReadFrom", func(w http.ResponseWriter) error {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("page"))
			return err
		}, true},
		{"ReadFrom of nothing", func(w http.ResponseWriter) error { _, err := w.(io.ReaderFrom).ReadFrom(nothing); return err }, true},
		{"Hijack", func(w http.ResponseWriter) error { _, _, err := http.NewResponseController(w).Hijack(); return err }, true},
		{"return", nil, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			w, c, _ := begun(t)
			h := hijackable(w.m.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				keyA.Set(load(t, r), 2)
				if tc.do == nil {
					return
				}
				if err := tc.do(rw); err != nil {
					t.Error(err)
				}
				if got := w.store.Saves.Load() == 2; got != tc.commits {
					t.Errorf("committed: %v; want %v", got, tc.commits)
				}
			})))
			c.serve(h, httptest.NewRequest(http.MethodPost, "/", nil))
			c.wantState("a=2")
			if n := w.store.Saves.Load(); n != 2 {
				t.Errorf("%d saves; want 2", n)
			}
		})
	}

	t.Run("informational responses pass through", func(t *testing.T) {
		_, c, _ := begun(t)
		a := c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			keyA.Set(load(t, r), 2)
			w.WriteHeader(http.StatusEarlyHints)
			io.WriteString(w, "page")
		})
		if !slices.Equal(a.early, []int{103}) || a.Code != 200 {
			t.Errorf("got %v, %d", a.early, a.Code)
		}
	})

	t.Run("committed and header sent are two states", func(t *testing.T) {
		for name, do := range map[string]func(http.ResponseWriter){
			"an empty io.Copy": func(w http.ResponseWriter) { io.Copy(w, io.LimitReader(strings.NewReader("x"), 0)) },
			"a refused Hijack": func(w http.ResponseWriter) { http.NewResponseController(w).Hijack() },
		} {
			t.Run(name, func(t *testing.T) {
				w := newWorld(t)
				c := w.client()
				a := c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
					s := load(t, r)
					do(w)
					keyA.Set(s, 1)
					io.WriteString(w, "page")
				})
				a.wantPage(t)
				a.wantCookies(t, 1)
				c.wantState("a=1")
			})
		}
	})

	t.Run("a cookie pending at Hijack stays in the header map and is logged", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.serve(hijackable(w.m.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			keyA.Set(load(t, r), 1)
			if _, _, err := http.NewResponseController(rw).Hijack(); err != nil {
				t.Error(err)
			}
			if rw.Header().Get("Set-Cookie") == "" {
				t.Error("the cookie is not in the header map")
			}
		}))), httptest.NewRequest(http.MethodGet, "/", nil))
		if !w.log.has(slog.LevelWarn) {
			t.Errorf("logged %q", w.log.String())
		}
	})
}

func TestRuleFailedHandler(t *testing.T) {
	fails := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { http.Error(w, "failed", status) }
	}
	for name, fail := range map[string]func(http.ResponseWriter){
		"status 500":            fails(500),
		"status 503":            fails(503),
		"status 599":            fails(599),
		"a panic":               func(http.ResponseWriter) { panic("failed") },
		"a panic to abort":      func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"a status 500, flushed": func(w http.ResponseWriter) { w.WriteHeader(500); http.NewResponseController(w).Flush() },
	} {
		serve := func(c *client, fn func(*session.Session)) (a *answer) {
			defer func() {
				v := recover()
				if (v != nil) != strings.HasPrefix(name, "a panic") {
					t.Errorf("%s: recovered %v", name, v)
				}
			}()
			return c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
				fn(load(t, r))
				fail(w)
			})
		}

		t.Run(name+" commits nothing, and that is logged", func(t *testing.T) {
			w, c, _ := begun(t)
			a := serve(c, set("a=2"))
			c.wantState("a=1")
			if a != nil && a.err != nil {
				t.Errorf("ErrorHandler got %v", a.err)
			}
			if w.log.String() == "" {
				t.Error("nothing is logged")
			}
		})

		t.Run(name+" neither begins nor renews nor destroys a session", func(t *testing.T) {
			for _, fn := range []func(*session.Session){set("a=2"), (*session.Session).Renew, (*session.Session).Destroy} {
				w, c, _ := begun(t)
				a := serve(c, fn)
				c.wantState("a=1")
				fresh := w.client()
				b := serve(fresh, fn)
				if a != nil {
					a.wantCookies(t, 0)
					b.wantCookies(t, 0)
				}
				if n := w.store.Saves.Load(); n != 1 {
					t.Errorf("%d saves", n-1)
				}
			}
		})

		t.Run(name+" keeps what was saved explicitly", func(t *testing.T) {
			_, c, _ := begun(t)
			serve(c, func(s *session.Session) {
				keyA.Set(s, 2)
				wantErr(t, s.Save(context.Background()), nil)
				keyB.Set(s, 3)
			})
			c.wantState("a=2")
		})
	}

	t.Run("status 500 carries the cookie of what was saved explicitly", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		a := c.handle(http.MethodPost, func(rw http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			keyA.Set(s, 1)
			wantErr(t, s.Save(r.Context()), nil)
			fails(500)(rw)
		})
		a.wantCookies(t, 1)
		c.wantState("a=1")
	})

	t.Run("status 404 commits", func(t *testing.T) {
		_, c, _ := begun(t)
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			keyA.Set(load(t, r), 2)
			http.NotFound(w, r)
		})
		c.wantState("a=2")
	})
}

// A commit that fails for good: the session was destroyed meanwhile.
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

func TestRuleAfterHeaders(t *testing.T) {
	t.Run("changes are committed at the handler's return", func(t *testing.T) {
		_, c, _ := begun(t)
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			io.WriteString(w, "page")
			keyA.Set(s, 2)
		}).wantPage(t)
		c.wantState("a=2")
	})

	t.Run("a conflict is logged", func(t *testing.T) {
		w, c, _ := begun(t)
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			keyA.Get(s)
			io.WriteString(w, "page")
			c.tab().post(set("a=7"))
			keyA.Set(s, 2)
		}).wantPage(t)
		c.wantState("a=7")
		if !w.log.has(slog.LevelWarn) {
			t.Errorf("logged %q", w.log.String())
		}
	})

	t.Run("Save shows a conflict", func(t *testing.T) {
		_, c, _ := begun(t)
		a := c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			keyA.Get(s)
			io.WriteString(w, "page")
			c.tab().post(set("a=7"))
			keyA.Set(s, 2)
			wantErr(t, s.Save(r.Context()), session.ErrConflict)
		})
		if a.Code != 200 || a.Body.String() != "page" {
			t.Errorf("got %d %q", a.Code, a.Body)
		}
		c.wantState("a=7")
	})

	t.Run("a new session is not stored, since its cookie cannot be sent", func(t *testing.T) {
		w := newWorld(t)
		a := w.client().handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			io.WriteString(w, "page")
			keyA.Set(s, 2)
		})
		a.wantCookies(t, 0)
		if w.store.Saves.Load() != 0 {
			t.Error("it was stored")
		}
		if !w.log.has(slog.LevelWarn) {
			t.Errorf("logged %q", w.log.String())
		}
	})

	t.Run("Save of a new session is ErrHeaderSent", func(t *testing.T) {
		w := newWorld(t)
		w.client().handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			io.WriteString(w, "page")
			keyA.Set(s, 2)
			wantErr(t, s.Save(r.Context()), session.ErrHeaderSent)
		})
		if w.store.Saves.Load() != 0 {
			t.Error("it was stored")
		}
	})

	t.Run("Renew leaves the session as it is, since its cookie cannot be sent", func(t *testing.T) {
		_, c, _ := begun(t)
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s := load(t, r)
			io.WriteString(w, "page")
			s.Renew()
			wantErr(t, s.Save(r.Context()), session.ErrHeaderSent)
		})
		c.wantState("a=1")
	})
}

func TestRuleHangUp(t *testing.T) {
	t.Run("does not cancel a commit", func(t *testing.T) {
		w, c, _ := begun(t)
		ctx, cancel := context.WithCancel(context.Background())
		w.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			wantErr(t, ctx.Err(), nil)
			if _, ok := ctx.Deadline(); !ok {
				t.Error("the save has no deadline")
			}
			return next(ctx, rec, expect)
		})
		c.serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			keyA.Set(s, 2)
			cancel()
		}), httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil))
		c.wantState("a=2")
	})
}

func TestRuleStoreTimeout(t *testing.T) {
	timeout := func(cfg *session.Config) { cfg.StoreTimeout = 4 * time.Second }
	hangs := func(ctx context.Context, _ *provider.Record, _ int64, _ storetest.SaveFunc) error {
		<-ctx.Done()
		return ctx.Err()
	}

	t.Run("bounds a load", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t, timeout)
			w.onFetch(slices.Repeat([]fetchHook{func(ctx context.Context, _ string, _ storetest.FetchFunc) (*provider.Record, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}}, 10)...)
			start := time.Now()
			a := c.post(func(*session.Session) { t.Error("the handler ran") })
			a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("took %v", d)
			}
		})
	})

	t.Run("a single save gets at most half, so that a read-back has time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t, timeout)
			start := time.Now()
			var took time.Duration
			w.onSave(func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
				_ = next(ctx, rec, expect)
				<-ctx.Done()
				took = time.Since(start)
				return ctx.Err()
			})
			c.post(set("a=2")).wantPage(t)
			if took > 2*time.Second {
				t.Errorf("a save had %v of 4s", took)
			}
			c.wantState("a=2")
		})
	})

	t.Run("bounds a commit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, c, _ := begun(t, timeout)
			w.onSave(slices.Repeat([]saveHook{hangs}, 100)...)
			start := time.Now()
			c.post(set("a=2")).wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
			if d := time.Since(start); d > 4*time.Second {
				t.Errorf("took %v", d)
			}
		})
	})
}

func TestRuleRequestCopy(t *testing.T) {
	t.Run("Pattern is copied back", func(t *testing.T) {
		w := newWorld(t)
		mux := http.NewServeMux()
		mux.HandleFunc("POST /page", func(http.ResponseWriter, *http.Request) {})
		r := httptest.NewRequest(http.MethodPost, "/page", nil)
		w.m.Handler(mux).ServeHTTP(httptest.NewRecorder(), r)
		if r.Pattern != "POST /page" {
			t.Errorf("Pattern is %q", r.Pattern)
		}
	})

	for name, end := range map[string]func(){"MultipartForm is copied back": func() {}, "MultipartForm is copied back on a panic": func() { panic("failed") }} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			body, contentType := multipartBody("file", "content")
			r := httptest.NewRequest(http.MethodPost, "/", body)
			r.Header.Set("Content-Type", contentType)
			func() {
				defer func() { recover() }()
				w.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if err := r.ParseMultipartForm(1 << 20); err != nil {
						t.Error(err)
					}
					end()
				})).ServeHTTP(httptest.NewRecorder(), r)
			}()
			if r.MultipartForm == nil || len(r.MultipartForm.File["file"]) != 1 {
				t.Errorf("MultipartForm is %v", r.MultipartForm)
			}
		})
	}

	t.Run("the caller's context stays its own", func(t *testing.T) {
		w := newWorld(t)
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		before := r.Context()
		w.m.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(httptest.NewRecorder(), r)
		if r.Context() != before {
			t.Error("the request passed in was changed")
		}
	})
}

// multipartBody returns a form with one file.
func multipartBody(name, content string) (io.Reader, string) {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	file, _ := form.CreateFormFile(name, name)
	io.WriteString(file, content)
	form.Close()
	return &b, form.FormDataContentType()
}

func TestRuleErrors(t *testing.T) {
	t.Run("ErrOutcomeUnknown wraps ErrUnavailable", func(t *testing.T) {
		wantErr(t, session.ErrOutcomeUnknown, session.ErrUnavailable)
	})

	for err, want := range map[error]int{
		session.ErrConflict:       409,
		session.ErrEnded:          409,
		session.ErrOutcomeUnknown: 503,
		session.ErrUnavailable:    503,
		session.ErrUnreadable:     503,
		session.ErrTooLarge:       500,
		session.ErrEncode:         500,
		session.ErrHeaderSent:     500,
		session.ErrRequestDone:    500,
		session.ErrNoHandler:      500,
		errors.New("other"):       500,
	} {
		t.Run(err.Error(), func(t *testing.T) {
			for _, e := range []error{err, fmt.Errorf("wrapped: %w", err), errors.Join(err)} {
				if got := session.StatusCode(e); got != want {
					t.Errorf("StatusCode(%v) is %d; want %d", e, got, want)
				}
			}
		})
	}

	t.Run("the default ErrorHandler answers with StatusCode", func(t *testing.T) {
		_, c, _ := begun(t, func(cfg *session.Config) { cfg.ErrorHandler = nil })
		a := c.post(func(s *session.Session) {
			keyA.Get(s)
			c.tab().post(set("a=7"))
			keyA.Set(s, 2)
		})
		if a.Code != 409 || strings.Contains(a.Body.String(), "page") {
			t.Errorf("got %d %q", a.Code, a.Body)
		}
	})

	t.Run("ErrConflict names the key and the remedy", func(t *testing.T) {
		cart := session.NewKey[int]("cart")
		_, c, _ := begun(t)
		a := c.post(func(s *session.Session) {
			cart.Get(s)
			c.tab().post(func(s *session.Session) { cart.Set(s, 1) })
			cart.Set(s, 2)
		})
		a.wantError(t, 409, session.ErrConflict)
		for _, word := range []string{"cart", "Update", "Replay"} {
			if !strings.Contains(fmt.Sprint(a.err), word) {
				t.Errorf("%q does not say %q", a.err, word)
			}
		}
	})

	t.Run("ErrTooLarge: MaxSize is checked before any I/O", func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = 1 << 10 })
		text := session.NewKey[string]("text")
		a := w.client().post(func(s *session.Session) { text.Set(s, strings.Repeat("x", 2<<10)) })
		a.wantError(t, 500, session.ErrTooLarge)
		a.wantCookies(t, 0)
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("ErrTooLarge of the provider", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(refused(provider.ErrTooLarge))
		c.post(set("a=2")).wantError(t, 500, session.ErrTooLarge)
		c.wantState("a=1")
	})
}
