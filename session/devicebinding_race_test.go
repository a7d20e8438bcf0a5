package session_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// boundFleet is two instances of an app on one store, in which a test can do something
// before the next save.
type boundFleet struct {
	a, b   *boundSite
	before func() // the next save; nil: nothing
	err    error  // of the saves from now on; nil: they succeed
	lose   bool   // a save with err is made nevertheless
}

func newBoundFleet(t *testing.T) *boundFleet {
	t.Helper()
	f := new(boundFleet)
	store := &storetest.Store{Provider: memory.New()}
	store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if before := f.before; before != nil {
			f.before = nil
			before()
		}
		if f.err == nil || f.lose {
			if err := next(ctx, rec, expect); err != nil || f.err == nil {
				return err
			}
		}
		return f.err
	}
	cfg := session.Config{StoreTimeout: patience}
	f.a, f.b = newBoundSite(t, store, cfg), newBoundSite(t, store, cfg)
	return f
}

// bound returns a browser whose session is bound.
func (f *boundFleet) bound(t *testing.T) (*dbsctest.Browser, *dbsctest.Session) {
	t.Helper()
	v := dbsctest.New()
	v.Do(f.a, "GET", "/login")
	f.b.wantPage(t, v, "/", "a=1, bound")
	return v, v.Sessions[0]
}

// offered returns a browser that was asked to register a key, and the challenge.
func (f *boundFleet) offered(t *testing.T) (v *dbsctest.Browser, challenge string) {
	t.Helper()
	v = dbsctest.New()
	return v, f.a.offer(t, v)
}

const registerPath = "/device-binding/register"

func wantStatus(t *testing.T, what string, res *http.Response, want int) {
	t.Helper()
	if res.StatusCode != want {
		t.Errorf("%s: %s; want %d", what, res.Status, want)
	}
}

// Of two registrations with the one challenge, the first key that is saved stays.
func TestTwoKeysRegisterAtOnce(t *testing.T) {
	f := newBoundFleet(t)
	v, challenge := f.offered(t)
	thief := v.Thief()
	f.before = func() {
		wantStatus(t, "the second, which is saved first", v.Register(f.b, registerPath, v.Device.Register(challenge)), 200)
	}
	res := thief.Register(f.a, registerPath, thief.Device.Register(challenge))
	wantStatus(t, "the first, which is saved second", res, http.StatusConflict)
	if len(res.Cookies()) != 0 {
		t.Errorf("the loser gets %v", res.Cookies())
	}
	f.a.wantPage(t, v, "/", "a=1, bound")
	f.a.wantPage(t, thief, "/", "empty, none")
}

// A logout, a revocation or a change meets a registration or a refresh.
func TestWhatMeetsABinding(t *testing.T) {
	for name, tc := range map[string]struct {
		before func(*boundFleet, *dbsctest.Browser)
		status int    // of the refresh
		page   string // afterwards
	}{
		"a logout": {func(f *boundFleet, v *dbsctest.Browser) { v.Thief().Do(f.b, "GET", "/logout") }, 401, "empty, none"},
		"a revocation": {func(f *boundFleet, v *dbsctest.Browser) {
			if err := f.b.m.Revoke(context.Background(), v.Sessions[0].ID); err != nil {
				panic(err)
			}
		}, 401, "empty, none"},
		"a change":  {func(f *boundFleet, v *dbsctest.Browser) { v.Thief().Do(f.b, "GET", "/set") }, 200, "a=1 b=1, bound"},
		"a renewal": {func(f *boundFleet, v *dbsctest.Browser) { v.Do(f.b, "GET", "/renew") }, 200, "a=1, bound"},
		"its own proof": {func(f *boundFleet, v *dbsctest.Browser) {
			v.Refresh(f.b, v.Sessions[0], v.Device.Prove(v.Sessions[0].Challenge))
		}, 200, "a=1, bound"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newBoundFleet(t)
				v, s := f.bound(t)
				proof := v.Device.Prove(s.Challenge)
				f.before = func() { tc.before(f, v) }
				wantStatus(t, "the refresh", v.Refresh(f.a, s, proof), tc.status)
				f.a.wantPage(t, v, "/", tc.page)
				time.Sleep(31 * time.Second)
				f.a.wantPage(t, v, "/", tc.page)
			})
		})
	}
}

// A change that meets a refresh keeps the token of the refresh.
func TestAChangeKeepsTheBinding(t *testing.T) {
	for _, path := range []string{"/set", "/renew"} {
		f := newBoundFleet(t)
		v, s := f.bound(t)
		f.before = func() {
			wantStatus(t, "the refresh", v.Refresh(f.b, s, v.Device.Prove(s.Challenge)), 200)
		}
		other := v.Thief()
		other.Device = v.Device
		other.Do(f.a, "GET", path)
		for name, c := range other.Cookies { // the answer came after that of the refresh
			if !strings.HasSuffix(name, "-bound") {
				v.Cookies[name] = c
			}
		}
		if page := textOf(v.Do(f.a, "GET", "/")); !strings.HasSuffix(page, ", bound") {
			t.Errorf("%s: %q", path, page)
		}
	}
}

// A store that fails answers 503, and takes nothing from anybody.
func TestAStoreThatFailsDuringARefresh(t *testing.T) {
	for name, lose := range map[string]bool{"the save fails": false, "its answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newBoundFleet(t)
				v, s := f.bound(t)
				f.err, f.lose = errHTTPDown, lose
				proof := v.Device.Prove(s.Challenge)
				res := v.Refresh(f.a, s, proof)
				if res.StatusCode != 503 && (!lose || res.StatusCode != 200) {
					t.Errorf("%s", res.Status)
				}
				f.err = nil
				wantStatus(t, "the same proof", v.Refresh(f.b, s, proof), 200)
				f.a.wantPage(t, v, "/", "a=1, bound")
			})
		})
	}
}

// An instance whose copy of the session has the token before the present one reads the
// store.
func TestReadCacheAndBoundTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := struct{ provider.Provider }{memory.New()} // one in the process would need no copies
		cfg := session.Config{ReadCache: session.ReadCache{MaxStale: time.Minute}}
		a, b := newBoundSite(t, store, cfg), newBoundSite(t, store, cfg)
		v := dbsctest.New()
		v.Do(a, "GET", "/login")
		for _, site := range []*boundSite{a, b, a, b} {
			site.wantPage(t, v, "/", "a=1, bound")
			s := v.Sessions[0]
			for range 2 {
				wantStatus(t, "the refresh", v.Refresh(a, s, v.Device.Prove(s.Challenge)), 200)
			}
		}
		b.wantPage(t, v, "/", "a=1, bound")
		if hits := b.m.ReadCacheStats().Hits; hits == 0 {
			t.Error("no copy was looked at")
		}
	})
}
