package session_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// stream is a request that meets a conflict, runs again, and does not end until the test
// has looked at the queue of its session.
type stream struct {
	c    *client
	runs int
	open pause
}

// conflict changes a in the first run, and so does a parallel request.
func (st *stream) conflict(s *session.Session) (again bool) {
	if st.runs++; st.runs > 1 {
		return true
	}
	n, _ := keyA.Get(s)
	st.c.tab().post(add(keyA, 10))
	keyA.Set(s, n+1)
	return false
}

// stays returns a body that begins, and ends when the test says so.
func (st *stream) stays() io.Reader {
	r, w := io.Pipe()
	go func() {
		io.WriteString(w, "event")
		st.open.here()
		w.Close()
	}()
	return r
}

// outrun saves s, and has a rival make the save conflict once s has a place in the queue.
func (st *stream) outrun(t *testing.T, s *session.Session) {
	t.Helper()
	rival := st.c.elsewhere()
	keyA.Get(s)
	keyA.Set(s, 1)
	st.c.w.onSave(before(func() { rival.post(add(keyB, 1)) }), pass, before(func() { rival.post(add(keyA, 1)) }))
	wantErr(t, s.Save(t.Context()), session.ErrConflict)
}

// wantNoWait checks that a request that meets a conflict does not wait. Only waiting
// takes time in a bubble.
func wantNoWait(t *testing.T, w *world, c *client) {
	t.Helper()
	rival := c.elsewhere()
	w.onSave(before(func() { rival.post(add(keyB, 1)) }))
	start := time.Now()
	c.post(add(keyA, 1)).wantPage(t)
	if took := time.Since(start); took > 0 {
		t.Errorf("a request that met a conflict waited %v", took)
	}
}

// A request that is replayed keeps its place in the queue of its session, until its
// header is sent at the latest.
func TestRuleQueuePlaceEndsWithHeader(t *testing.T) {
	answers := map[string]func(*stream, http.ResponseWriter, *session.Session){
		"Flush": func(st *stream, w http.ResponseWriter, _ *session.Session) {
			http.NewResponseController(w).Flush()
			st.open.here()
		},
		"Write": func(st *stream, w http.ResponseWriter, _ *session.Session) {
			io.WriteString(w, "event")
			st.open.here()
		},
		"WriteHeader": func(st *stream, w http.ResponseWriter, _ *session.Session) {
			w.WriteHeader(http.StatusAccepted)
			st.open.here()
		},
		"ReadFrom": func(st *stream, w http.ResponseWriter, _ *session.Session) {
			w.(io.ReaderFrom).ReadFrom(st.stays())
		},
		"Hijack": func(st *stream, w http.ResponseWriter, _ *session.Session) {
			if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
				t.Error(err)
			}
			st.open.here()
		},
		"an error of the handler's": func(st *stream, w http.ResponseWriter, _ *session.Session) {
			http.Error(w, "failed", http.StatusInternalServerError)
			st.open.here()
		},
		"a change that is saved": func(st *stream, w http.ResponseWriter, s *session.Session) {
			keyC.Set(s, 1)
			io.WriteString(w, "event")
			st.open.here()
		},
		"a 409 of the handler's, which has seen Save fail": func(st *stream, w http.ResponseWriter, s *session.Session) {
			st.outrun(t, s)
			http.Error(w, "again, please", http.StatusConflict)
			st.open.here()
		},
		"a Save that conflicts while it streams": func(st *stream, w http.ResponseWriter, s *session.Session) {
			io.WriteString(w, "event")
			st.outrun(t, s)
			st.open.here()
		},
	}
	for name, answer := range answers {
		for way, wrap := range map[string]func(*session.Manager, leaf) http.Handler{
			"HandlerFunc": httpWithHandlerFunc,
			"Replay":      replay,
		} {
			bubble(name+"/"+way, t, func(t *testing.T) {
				w, c, _ := begun(t)
				st := &stream{c: c.tab(), open: newPause()}
				h := hijackable(wrap(w.m, func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
					if st.conflict(s) {
						answer(st, rw, s)
					}
				}))
				go c.tab().serve(h, request("GET", ""))
				st.open.reached()
				wantNoWait(t, w, c)
				st.open.resume()
				synctest.Wait()
			})
		}
	}

	bubble("a panic", t, func(t *testing.T) {
		w, c, _ := begun(t)
		st := &stream{c: c.tab(), open: newPause()}
		inner := w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if st.conflict(s) {
				panic("failed")
			}
		})
		go c.tab().serve(w.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				recover()
				st.open.here()
			}()
			inner.ServeHTTP(w, r)
		})), request("GET", ""))
		st.open.reached()
		wantNoWait(t, w, c)
		st.open.resume()
	})

	bubble("the answer of ErrorHandler", t, func(t *testing.T) {
		st := &stream{open: newPause()}
		w, c, _ := begun(t, func(cfg *session.Config) {
			cfg.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { st.open.here() }
		})
		st.c = c.tab()
		go c.tab().send("GET", func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if st.conflict(s) {
				st.runs = 0
				st.conflict(s)
				s.Renew() // HandlerFunc does not control whether there is a third run
			}
		})
		st.open.reached()
		wantNoWait(t, w, c)
		st.open.resume()
	})

	bubble("a handler that waits for long before it answers holds it for StoreTimeout", t, func(t *testing.T) {
		w, c, _ := begun(t)
		st := &stream{c: c.tab(), open: newPause()}
		go c.tab().send("GET", func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			if st.conflict(s) {
				st.open.here()
			}
		})
		st.open.reached()
		time.Sleep(patience)
		synctest.Wait()
		wantNoWait(t, w, c)
		st.open.resume()
	})

	bubble("a copy during which another goroutine's Save conflicts", t, func(t *testing.T) {
		w, c, _ := begun(t)
		st := &stream{c: c.tab(), open: newPause()}
		go c.tab().send("GET", func(rw http.ResponseWriter, _ *http.Request, s *session.Session) {
			if !st.conflict(s) {
				return
			}
			saved := make(chan struct{})
			body, end := io.Pipe()
			go func() {
				defer close(saved)
				io.WriteString(end, "event")
				st.outrun(t, s)
				st.open.here()
				end.Close()
			}()
			rw.(io.ReaderFrom).ReadFrom(body)
			<-saved
		})
		st.open.reached()
		wantNoWait(t, w, c)
		st.open.resume()
	})

	bubble("ReadFrom of nothing sends no header: the conflict after it is replayed", t, func(t *testing.T) {
		_, c, _ := begun(t)
		st := &stream{c: c.tab()}
		c.send("GET", func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			w.(io.ReaderFrom).ReadFrom(http.NoBody)
			if !st.conflict(s) {
				return
			}
			keyB.Set(s, 1)
		}).wantPage(t)
		c.wantState("a=11 b=1")
		if st.runs != 2 {
			t.Errorf("%d runs", st.runs)
		}
	})
}
