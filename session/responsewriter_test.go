package session_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

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

// capable is a ResponseWriter with optional methods.
type capable struct {
	*answer
	deadline time.Time
	copied   bool
}

func (w *capable) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }

func (w *capable) ReadFrom(src io.Reader) (int64, error) {
	w.copied = true
	return io.Copy(struct{ io.Writer }{w.answer}, src)
}

func TestRuleWriterPassesOn(t *testing.T) {
	_, c, _ := begun(t)
	var w *capable
	end := time.Unix(1, 0)
	a := c.serve(http.HandlerFunc(func(raw http.ResponseWriter, r *http.Request) {
		w = &capable{answer: raw.(*answer)}
		c.m.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request, _ *session.Session) {
			wantErr(t, http.NewResponseController(rw).SetWriteDeadline(end), nil)
			io.Copy(rw, struct{ io.Reader }{strings.NewReader("page")})
		}).ServeHTTP(w, r)
	}), request("GET", ""))
	a.wantPage(t)
	if !w.deadline.Equal(end) {
		t.Error("ResponseController does not come through")
	}
	if !w.copied || a.Body.String() != "page" {
		t.Error("io.Copy does not come through")
	}
}

func TestSaveWhileTheBodyIsCopiedIsTooLateForACookie(t *testing.T) {
	w := newWorld(t)
	var got error
	w.client().send(http.MethodPost, func(rw http.ResponseWriter, r *http.Request, s *session.Session) {
		_, _ = io.Copy(rw, readerFunc(func(b []byte) (int, error) {
			keyA.Set(s, 1)
			got = s.Save(r.Context())
			return copy(b, "page"), io.EOF
		}))
	})
	wantErr(t, got, session.ErrHeaderSent)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestUnwrapWithoutAManager(t *testing.T) {
	if w, err := session.Unwrap(httptest.NewRecorder()); w != nil || !errors.Is(err, session.ErrNoHandler) {
		t.Errorf("got %v, %v; want ErrNoHandler", w, err)
	}
}
