package session_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

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

// A request may end while another goroutine of it commits.
func TestRequestThatEndsDuring(t *testing.T) {
	for name, commit := range map[string]func(context.Context, *session.Session) error{
		"a Save": func(ctx context.Context, s *session.Session) error { keyA.Set(s, 7); return s.Save(ctx) },
		"an Update": func(ctx context.Context, s *session.Session) error {
			return s.Update(ctx, func(s *session.Session) error { keyA.Set(s, 7); return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, c, _ := begun(t)
			saving, ended, done := make(chan bool), make(chan bool), make(chan error)
			w.onSave(before(func() { close(saving); <-ended }))
			c.send(http.MethodPost, func(rw http.ResponseWriter, r *http.Request, s *session.Session) {
				ctx := r.Context()
				go func() { done <- commit(ctx, s) }()
				<-saving
				rw.WriteHeader(http.StatusInternalServerError)
			})
			close(ended)
			wantErr(t, <-done, nil)
			c.wantState("a=7")
		})
	}

	t.Run("the closure of an Update", func(t *testing.T) {
		_, c, _ := begun(t)
		set, ended, done := make(chan bool), make(chan bool), make(chan error)
		c.send(http.MethodPost, func(rw http.ResponseWriter, r *http.Request, s *session.Session) {
			ctx := r.Context()
			go func() {
				done <- s.Update(ctx, func(s *session.Session) error {
					keyA.Set(s, 7)
					close(set)
					<-ended
					return nil
				})
			}()
			<-set
			rw.WriteHeader(http.StatusInternalServerError)
		})
		close(ended)
		wantErr(t, <-done, nil)
		c.wantState("a=7")
	})
}

// The log says why changes were dropped.
func TestDroppedChangesAreLoggedWithTheirCause(t *testing.T) {
	for cause, end := range map[string]func(http.ResponseWriter, *session.Session){
		"the response was an error": func(w http.ResponseWriter, s *session.Session) { keyA.Set(s, 2); w.WriteHeader(500) },
		"the handler panicked":      func(_ http.ResponseWriter, s *session.Session) { keyA.Set(s, 2); panic("failed") },
	} {
		t.Run(cause, func(t *testing.T) {
			w, c, _ := begun(t)
			func() {
				defer func() { recover() }()
				c.send(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) { end(rw, s) })
			}()
			if text := w.log.String(); !strings.Contains(text, "changes dropped") || !strings.Contains(text, cause) {
				t.Errorf("logged %q", text)
			}
		})
	}

	t.Run("a goroutine made them after the last commit", func(t *testing.T) {
		w, c, _ := begun(t)
		var kept *session.Session
		c.serve(w.m.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			kept = load(t, r)
			w.onSave(before(func() { keyB.Set(kept, 5) }), pass) // between the commit's snapshot and its end
			keyA.Set(kept, 2)
		})), request("POST", ""))
		text := w.log.String()
		if !strings.Contains(text, "a goroutine made them after the last commit") || strings.Contains(text, "was an error") {
			t.Errorf("logged %q", text)
		}
		wantErr(t, kept.Save(t.Context()), session.ErrRequestDone)
		c.wantState("a=2")
	})
}

func TestChangeAfterAnErrorResponseIsLogged(t *testing.T) {
	w, c, _ := begun(t)
	c.send(http.MethodPost, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
		http.Error(rw, "sorry", http.StatusInternalServerError)
		keyA.Set(s, 5)
	})
	if !strings.Contains(w.log.String(), "changes dropped") {
		t.Errorf("not logged:\n%s", w.log.String())
	}
	c.wantState("a=1")
}

func TestNestedManagersWithOneCookieNameAreReported(t *testing.T) {
	for name, c := range map[string]struct {
		inner string
		want  int // log lines, for any number of requests
	}{"one name": {"s", 1}, "two names": {"other", 0}} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, nil))
			outer := newManager(t, memory.New(), session.Config{Cookie: session.Cookie{Name: "s"}})
			inner := newManager(t, memory.New(), session.Config{Cookie: session.Cookie{Name: c.inner}, Logger: logger})
			page := outer.Handler(inner.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
			for range 3 {
				page.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
			}
			if got := bytes.Count(log.Bytes(), []byte("overwrite each other's cookie")); got != c.want {
				t.Errorf("logged %d times, want %d:\n%s", got, c.want, &log)
			}
		})
	}
}

// A HEAD removes nothing that the next GET would show, whatever the handler does.
func TestHEADTakesNothing(t *testing.T) {
	flash := session.NewKey[int]("flash").LastWriteWins()
	voucher := session.NewKey[int]("voucher")
	for _, level := range []session.Isolation{session.LevelMerge, session.LevelSerializable, session.LevelStrict} {
		for name, commit := range map[string]func(s *session.Session) error{
			"at the end": func(*session.Session) error { return nil },
			"by Save":    func(s *session.Session) error { return s.Save(t.Context()) },
			"by Update": func(s *session.Session) error {
				return s.Update(t.Context(), func(s *session.Session) error { voucher.Pop(s); flash.Pop(s); return nil })
			},
		} {
			t.Run(fmt.Sprint(name, " at level ", level), func(t *testing.T) {
				w := newWorld(t, func(cfg *session.Config) { cfg.Isolation = level })
				c := w.client()
				c.post(set("flash=1 voucher=2")).wantPage(t)
				var message, money int
				var there, valid bool
				handler := func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
					message, there = flash.Pop(s)
					money, valid = voucher.Pop(s)
					keyA.Update(s, increment)
					wantErr(t, commit(s), nil)
				}
				c.send(http.MethodHead, handler).wantPage(t)
				if message != 1 || !there || money != 0 || valid {
					t.Errorf("a HEAD is given %d, %t and %d, %t", message, there, money, valid)
				}
				c.wantState("a=1 flash=1 voucher=2")
				c.send(http.MethodGet, handler).wantPage(t)
				if message != 1 || !there || money != 2 || !valid {
					t.Errorf("the GET is given %d, %t and %d, %t", message, there, money, valid)
				}
				c.wantState("a=2")
			})
		}
	}

	t.Run("a HEAD that has popped is replayed", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.post(set("a=1 voucher=2")).wantPage(t)
		runs := 0
		c.send(http.MethodHead, func(_ http.ResponseWriter, r *http.Request, s *session.Session) {
			voucher.Pop(s)
			n, _ := keyA.Get(s)
			keyA.Set(s, n+1)
			if runs++; runs == 1 {
				c.tab().post(func(s *session.Session) { keyA.Set(s, 5) }).wantPage(t)
			}
		}).wantPage(t)
		c.wantState("a=6 voucher=2")
	})

	t.Run("what comes after a Set of its own is the request's", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		c.send(http.MethodHead, func(_ http.ResponseWriter, r *http.Request, s *session.Session) { flash.Set(s, 3) }).wantPage(t)
		c.wantState("flash=3")
	})
}
