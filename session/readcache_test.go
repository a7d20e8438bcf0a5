package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

const maxStale = 10 * time.Second

// copies is an option of newWorld that turns Config.ReadCache on.
func copies(cfg *session.Config) { cfg.ReadCache.MaxStale = maxStale }

// readers returns a new world, a client whose session has a=1, with a copy of it in w.m and
// in a second instance. Both hear the broadcast. At the end of the test they have stopped.
func readers(t *testing.T, opts ...func(*session.Config)) (w *world, c *client, second *session.Manager) {
	t.Helper()
	opts = append(opts, copies)
	w = newWorld(t, opts...)
	c = w.client()
	c.post(set("a=1")).wantPage(t)
	second = w.manager(opts...)
	t.Cleanup(func() { time.Sleep(5 * time.Minute) })
	for _, m := range []*session.Manager{w.m, second} {
		c.at(m).get(func(*session.Session) {}) // begins to listen
		synctest.Wait()
		c.at(m).get(func(*session.Session) {}) // reads the copy
	}
	return w, c, second
}

// wantRead checks that a GET of c at m shows the values, and how many trips it takes.
func (c *client) wantRead(t *testing.T, m *session.Manager, values string, trips int64) {
	t.Helper()
	var got string
	n := c.w.trips(func() { c.readAt(m, func(s *session.Session) { got = show(s) }) })
	if got != values || n != trips {
		t.Errorf("the session has %q after %d trips; want %q after %d", got, n, values, trips)
	}
}

// readAt sends a GET to m, and keeps the cookies.
func (c *client) readAt(m *session.Manager, fn func(*session.Session)) *answer {
	return c.serve(m.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fn(s)
		io.WriteString(w, "page")
	}), request(http.MethodGet, ""))
}

func TestRuleReadCache(t *testing.T) {
	bubble("a safe request with a copy takes no trip", t, func(t *testing.T) {
		w, c, _ := readers(t)
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			w.wantTrips(t, 0, func() { c.do(method, func(s *session.Session) { keyA.Get(s) }) })
		}
		w.wantTrips(t, 0, func() {
			c.handle(http.MethodGet, func(_ http.ResponseWriter, r *http.Request) { loadFrom(t, r) })
		})
	})

	bubble("other requests read the store", t, func(t *testing.T) {
		w, c, _ := readers(t)
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, "PROPFIND"} {
			w.wantTrips(t, 1, func() { c.do(method, func(s *session.Session) { keyA.Get(s) }) })
		}
		s := loaded(c)
		w.wantTrips(t, 1, func() { wantErr(t, s.Check(t.Context()), nil) })
		w.wantTrips(t, 2, func() { wantErr(t, w.m.Update(t.Context(), s.PublicID(), setting("a=2")), nil) })
	})

	bubble("off by default", t, func(t *testing.T) {
		w, c, _ := begun(t)
		for range 3 {
			w.wantTrips(t, 1, func() { c.get(func(s *session.Session) { keyA.Get(s) }) })
		}
		if st := w.m.ReadCacheStats(); st != (session.ReadCacheStats{}) {
			t.Errorf("%+v", st)
		}
		if _, ok := c.jar["session-version"]; ok {
			t.Error("there is a cookie for the version")
		}
	})

	bubble("a copy that is too old is not used", t, func(t *testing.T) {
		w, c, _ := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		c.wantRead(t, w.m, "a=1", 1)
		c.wantRead(t, w.m, "a=1", 0)
	})

	bubble("the age counts from when the call was sent", t, func(t *testing.T) {
		w, c, _ := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		w.onFetch(func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			rec, err := next(ctx, id)
			time.Sleep(maxStale - time.Second) // the reply is slow
			return rec, err
		})
		c.wantRead(t, w.m, "a=1", 1)
		c.wantRead(t, w.m, "a=1", 0)
		time.Sleep(time.Second + time.Millisecond)
		c.wantRead(t, w.m, "a=1", 1)
	})

	bubble("a browser sees its own change at every instance", t, func(t *testing.T) {
		w, c, second := readers(t)
		c.post(set("a=2")).wantPage(t)
		c.wantRead(t, second, "a=2", 1)
		c.wantRead(t, second, "a=2", 0)
		c.wantRead(t, w.m, "a=2", 0)
		c.serve(second.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { set("a=3")(s) }), request(http.MethodPost, ""))
		c.wantRead(t, w.m, "a=3", 1)
	})

	bubble("a browser that has seen a version sees no older one", t, func(t *testing.T) {
		w, c, second := readers(t)
		third := w.manager(copies)
		wantErr(t, third.Update(t.Context(), c.sessionID(), setting("a=2")), nil)
		c.wantRead(t, second, "a=1", 0)
		c.wantRead(t, third, "a=2", 1) // begins to listen
		synctest.Wait()
		c.wantRead(t, second, "a=2", 1)
		c.wantRead(t, w.m, "a=2", 1)
	})

	bubble("the cookie of the version is that of the session, for MaxStale", t, func(t *testing.T) {
		w, c, _ := readers(t)
		a := c.post(set("a=2"))
		for _, cookie := range a.Result().Cookies() {
			if cookie.Name == "session-version" && (cookie.MaxAge != 11 || !cookie.HttpOnly || cookie.Path != "/" || cookie.SameSite != http.SameSiteLaxMode) {
				t.Errorf("%v", cookie)
			}
		}
		if got := a.Result().Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control: %s", got)
		}
		version := c.jar["session-version"]
		if number, of, _ := strings.Cut(version, "."); number != "2" || !strings.HasPrefix(c.sessionID(), of) || len(of) != 8 {
			t.Errorf("version %q", version)
		}
		a = c.readAt(w.m, func(s *session.Session) {})
		if set := a.Result().Header["Set-Cookie"]; len(set) > 0 {
			t.Errorf("a further read sets %q", set)
		}
	})

	bubble("a version that every instance has needs no cookie", t, func(t *testing.T) {
		w, c, _ := readers(t)
		for range 5 {
			time.Sleep(maxStale + time.Millisecond)
			delete(c.jar, "session-version") // it has expired
			a := c.readAt(w.m, func(s *session.Session) { keyA.Get(s) })
			if set := a.Result().Header["Set-Cookie"]; len(set) > 0 {
				t.Errorf("a read sets %q", set)
			}
		}
	})

	bubble("the cookie of another session's version is ignored", t, func(t *testing.T) {
		w, c, _ := readers(t)
		c.jar["session-version"] = "99.AAAAAAAA"
		c.wantRead(t, w.m, "a=1", 0)
		for _, lie := range []string{"", ".", "x", "1." + c.sessionID()[:8], "-5." + c.sessionID()[:8]} {
			c.jar["session-version"] = lie
			c.wantRead(t, w.m, "a=1", 0)
			if _, ok := c.jar["session-version"]; !ok {
				t.Error("no version")
			}
		}
		c.jar["session-version"] = "99." + c.sessionID()[:8]
		c.wantRead(t, w.m, "a=1", 1)
	})

	for name, end := range map[string]func(t *testing.T, m *session.Manager, c *client){
		"Destroy": endings["Destroy"], "Renew": endings["Renew"], "Revoke": endings["Revoke"],
	} {
		bubble("an end at another instance is heard: "+name, t, func(t *testing.T) {
			_, c, second := readers(t)
			thief := c.tab()
			thief.wantRead(t, second, "a=1", 0)
			end(t, c.m, c)
			synctest.Wait()
			thief.wantRead(t, second, "empty", 1)
		})
	}

	bubble("without a broadcast an end is seen after MaxStale", t, func(t *testing.T) {
		w := newWorld(t)
		silent(w)
		w.m = w.manager(copies)
		second := w.manager(copies)
		c := w.client()
		c.post(set("a=1"))
		for range 2 {
			c.at(second).get(func(*session.Session) {})
			synctest.Wait()
		}
		thief := c.tab()
		wantErr(t, w.m.Revoke(t.Context(), c.sessionID()), nil)
		thief.wantRead(t, w.m, "empty", 1) // the instance itself knows
		thief.wantRead(t, second, "a=1", 0)
		time.Sleep(maxStale + time.Millisecond)
		thief.wantRead(t, second, "empty", 1)
	})

	bubble("copies are not used while the broadcast is not heard", t, func(t *testing.T) {
		w := newWorld(t)
		cut := make(chan struct{})
		w.store.OnListen = func(ctx context.Context, ready func(), heard func([]byte), next storetest.ListenFunc) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			go func() {
				select {
				case <-cut:
					cancel()
				case <-ctx.Done():
				}
			}()
			if err := next(ctx, ready, heard); ctx.Err() == nil {
				return err
			}
			return errors.New("connection lost")
		}
		t.Cleanup(func() { time.Sleep(5 * time.Minute) })
		c := w.client()
		c.post(set("a=1"))
		second := w.manager(copies)
		for range 2 {
			c.at(second).get(func(*session.Session) {})
			synctest.Wait()
		}
		c.wantRead(t, second, "a=1", 0)
		cut <- struct{}{}
		synctest.Wait()
		before := second.ReadCacheStats().Deaf
		c.wantRead(t, second, "a=1", 1)
		c.wantRead(t, second, "a=1", 1)
		if n := second.ReadCacheStats().Deaf - before; n != 2 {
			t.Errorf("%d requests are counted; want 2", n)
		}
		wantErr(t, w.m.Revoke(t.Context(), c.sessionID()), nil) // this message is missed
		c.wantRead(t, second, "empty", 1)
		time.Sleep(time.Second) // it listens again
		c.wantRead(t, second, "empty", 1)
	})

	bubble("a record that was read before the message came is not kept", t, func(t *testing.T) {
		w, c, second := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		thief := c.tab()
		id := c.sessionID()
		read := w.slowly(func() { thief.readAt(second, func(*session.Session) {}) })
		wantErr(t, w.m.Revoke(t.Context(), id), nil)
		synctest.Wait()
		read()
		thief.wantRead(t, second, "empty", 1)
	})

	bubble("a record that was read before the broadcast was heard is not kept", t, func(t *testing.T) {
		w := newWorld(t)
		hear := make(chan struct{})
		w.store.OnListen = func(ctx context.Context, ready func(), heard func([]byte), next storetest.ListenFunc) error {
			select {
			case <-hear:
			case <-ctx.Done():
				return ctx.Err()
			}
			return next(ctx, ready, heard)
		}
		t.Cleanup(func() { time.Sleep(5 * time.Minute) })
		c := w.client()
		c.post(set("a=1"))
		id, second := c.sessionID(), w.manager(copies)
		read := w.slowly(func() { c.tab().readAt(second, func(*session.Session) {}) })
		wantErr(t, w.m.Revoke(t.Context(), id), nil) // nobody hears this
		close(hear)
		synctest.Wait()
		read()
		c.wantRead(t, second, "empty", 1)
	})

	bubble("a version that was read is not kept in place of a newer one", t, func(t *testing.T) {
		w, c, _ := readers(t)
		time.Sleep(maxStale + time.Millisecond)
		read := w.slowly(func() { c.tab().readAt(w.m, func(*session.Session) {}) })
		c.post(set("a=2")).wantPage(t)
		read()
		delete(c.jar, "session-version")
		c.wantRead(t, w.m, "a=2", 0)
	})

	bubble("several cookies are looked up in the store", t, func(t *testing.T) {
		w, c, _ := readers(t)
		for range 2 {
			r := request(http.MethodGet, "")
			r.AddCookie(&http.Cookie{Name: "session", Value: "another"})
			w.wantTrips(t, 1, func() {
				c.serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Get(s) }), r)
			})
		}
	})

	bubble("a change over an old copy is a conflict, and nothing is lost", t, func(t *testing.T) {
		_, c, second := readers(t)
		other := c.tab()
		other.post(set("a=5")).wantPage(t)
		old := c.tab()
		a := old.serve(second.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s := loadFrom(t, r)
			n, _ := keyA.Get(s)
			keyA.Set(s, n+1)
		})), request(http.MethodGet, ""))
		a.wantError(t, http.StatusConflict, session.ErrConflict)
		c.wantState("a=5")
		old.readAt(second, func(s *session.Session) {
			n, _ := keyA.Get(s)
			keyA.Set(s, n+1)
		}).wantPage(t)
		c.wantState("a=6")
	})

	bubble("HandlerFunc runs a change over an old copy again", t, func(t *testing.T) {
		_, c, second := readers(t)
		c.tab().post(set("a=5")).wantPage(t)
		c.tab().readAt(second, func(s *session.Session) {
			n, _ := keyA.Get(s)
			keyA.Set(s, n+1)
		}).wantPage(t)
		c.wantState("a=6")
	})

	bubble("a touch that is due is done", t, func(t *testing.T) {
		w, c, _ := readers(t, func(cfg *session.Config) { cfg.IdleTimeout, cfg.TouchInterval = time.Minute, 5*time.Second })
		time.Sleep(6 * time.Second)
		c.wantRead(t, w.m, "a=1", 1)
		for range 20 {
			time.Sleep(9 * time.Second)
			c.readAt(w.m, func(s *session.Session) { keyA.Get(s) })
		}
		c.wantState("a=1")
	})

	bubble("a copy of an expired session is not used", t, func(t *testing.T) {
		w, c, _ := readers(t, func(cfg *session.Config) { cfg.IdleTimeout = 5 * time.Second })
		time.Sleep(5*time.Second + time.Millisecond)
		c.wantRead(t, w.m, "empty", 1)
	})

	bubble("a token in a header is served by the store", t, func(t *testing.T) {
		w, c, _ := readers(t, func(cfg *session.Config) { cfg.Header = "X-Token" })
		for range 3 {
			r := request(http.MethodGet, "")
			r.Header.Set("X-Token", c.jar["session"])
			w.wantTrips(t, 1, func() {
				a := w.client().serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Get(s) }), r)
				if len(a.Result().Cookies()) > 0 {
					t.Error("a cookie")
				}
			})
		}
	})

	bubble("the copies take no more than MaxBytes", t, func(t *testing.T) {
		w, c, _ := readers(t, func(cfg *session.Config) { cfg.ReadCache.MaxBytes = 1 << 20 })
		for i := range 3000 {
			w.client().post(set(fmt.Sprint("a=", i)))
		}
		st := w.m.ReadCacheStats()
		if st.Bytes > 1<<20 || st.Bytes < 1<<19 || st.Copies < 500 {
			t.Errorf("%+v", st)
		}
		c.wantRead(t, w.m, "a=1", 1) // replaced by others
		c.wantRead(t, w.m, "a=1", 0)
		for i := range 3000 {
			w.client().post(set(fmt.Sprint("a=", i)))
			c.wantRead(t, w.m, "a=1", 0) // those that are in use stay
		}
	})

	bubble("an instance that serves nobody listens to nobody", t, func(t *testing.T) {
		w, c, _ := readers(t)
		n := w.store.Listens.Load()
		time.Sleep(3 * time.Minute)
		if st := w.m.ReadCacheStats(); st.Copies != 0 || st.Bytes != 0 {
			t.Errorf("%+v", st)
		}
		c.wantRead(t, w.m, "a=1", 1)
		synctest.Wait()
		if got := w.store.Listens.Load(); got != n+1 {
			t.Errorf("Listen was called %d times; want once more", got-n)
		}
		c.readAt(w.m, func(*session.Session) {}) // the read before may have come before the broadcast was heard
		c.wantRead(t, w.m, "a=1", 0)
	})

	bubble("the Observer is told the age", t, func(t *testing.T) {
		var ages []time.Duration
		w, c, _ := readers(t, func(cfg *session.Config) {
			cfg.Observer = func(_ context.Context, e session.Event) {
				if e.Op == session.OpLoad {
					ages = append(ages, e.Age)
				}
			}
		})
		time.Sleep(maxStale + time.Millisecond)
		ages = nil
		c.wantRead(t, w.m, "a=1", 1)
		time.Sleep(3 * time.Second)
		c.wantRead(t, w.m, "a=1", 0)
		if len(ages) != 2 || ages[0] != 0 || ages[1] != 3*time.Second {
			t.Errorf("%v", ages)
		}
		if st := w.m.ReadCacheStats(); st.Hits == 0 || st.Absent == 0 || st.Stale == 0 {
			t.Errorf("%+v", st)
		}
	})

	t.Run("in the same process there are no copies", func(t *testing.T) {
		m, err := session.New(memory.New(), session.Config{SigningKeys: [][]byte{make([]byte, 32)}, ReadCache: session.ReadCache{MaxStale: time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t)
		c := w.clientOf(m)
		c.post(set("a=1"))
		for range 3 {
			c.get(func(s *session.Session) { keyA.Get(s) })
		}
		if st := m.ReadCacheStats(); st != (session.ReadCacheStats{}) {
			t.Errorf("%+v", st)
		}
	})
}

// slowly starts fn, whose first read of the store gets its answer when the returned function
// is called. That returns when fn has.
func (w *world) slowly(fn func()) (goOn func()) {
	p, done := newPause(), make(chan struct{})
	w.onFetch(func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		rec, err := next(ctx, id)
		p.here()
		return rec, err
	})
	go func() {
		defer close(done)
		fn()
	}()
	p.reached()
	return func() {
		p.resume()
		<-done
	}
}

// loadFrom returns the session of r.
func loadFrom(t *testing.T, r *http.Request) *session.Session {
	t.Helper()
	s, err := session.Load(r.Context())
	if err != nil {
		t.Error(err)
	}
	return s
}
