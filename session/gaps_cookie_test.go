package session_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// More of the cookie: which of those that are sent open a session.
func TestRuleCookieOpens(t *testing.T) {
	t.Run("no token of another length, be it signed by us", func(t *testing.T) {
		w, c, _ := begun(t)
		codec := securecookie.New(bytes.Repeat([]byte("k"), 32), nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
		signed, err := codec.Encode("session", []byte("short"))
		wantErr(t, err, nil)
		c.jar["session"] = signed
		if n := w.trips(func() { c.wantState("empty") }); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("no value of another length, at no look at the keys", func(t *testing.T) {
		allocs := func(keys int) float64 {
			w := newWorld(t, func(cfg *session.Config) {
				cfg.SigningKeys = nil
				for i := range keys {
					cfg.SigningKeys = append(cfg.SigningKeys, bytes.Repeat([]byte{byte(i)}, 32))
				}
			})
			return allocsOf(w, "session="+strings.Repeat("a", 4000))
		}
		if one, many := allocs(1), allocs(64); many > one+10 {
			t.Errorf("%v allocations with 64 keys, %v with one", many, one)
		}
	})

	t.Run("none of too many, which are not even collected", func(t *testing.T) {
		w := newWorld(t)
		few := allocsOf(w, strings.Repeat("session=x; ", 10))
		if many := allocsOf(w, strings.Repeat("session=x; ", 100_000)); many > few+4 {
			t.Errorf("%v allocations with 100,000 cookies, %v with 10", many, few)
		}
	})

	t.Run("none of another namespace", func(t *testing.T) {
		w, c, _ := begun(t)
		c.m = w.manager(func(cfg *session.Config) { cfg.Namespace = "other" })
		c.wantState("empty")
	})

	t.Run("none in a flood", func(t *testing.T) {
		w, c, _ := begun(t)
		for _, tc := range []struct {
			more int
			want string
		}{{7, "a=1"}, {8, "empty"}} {
			r := request(http.MethodPost, "")
			for i := range tc.more {
				r.AddCookie(&http.Cookie{Name: "session", Value: fmt.Sprint("forged", i)})
			}
			var got string
			c.tab().serve(w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { got = show(s) }), r)
			if got != tc.want {
				t.Errorf("with %d forged ones it opens %q; want %q", tc.more, got, tc.want)
			}
		}
	})

	bubble("none, at a trip at most, while the keys were never read and the store fails", t, func(t *testing.T) {
		ring := func(cfg *session.Config) { cfg.SigningKeys = nil }
		w, c, _ := begun(t, ring)
		c.m = w.manager(ring)
		w.store.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errBroken }
		for name, value := range c.jar {
			c.jar[name] = "x" + value[1:len(value)-1] + "x"
		}
		if n := w.trips(func() {
			for range 20 {
				c.post(read(keyA)).wantError(t, 503, session.ErrUnavailable)
			}
		}); n != 1 {
			t.Errorf("%d trips", n)
		}
	})

	bubble("one of a key that another instance has made since", t, func(t *testing.T) {
		ring := func(cfg *session.Config) { cfg.SigningKeys = nil }
		w, c, _ := begun(t, ring)
		old := w.manager(ring)
		c.m = old
		c.wantState("a=1") // old knows the ring
		saves := w.savesSince(0)
		at := slices.IndexFunc(saves, func(s save) bool { return s.Format == "holdfast-keyring" })
		w.erase(saves[at].ID)
		late := w.clientOf(w.manager(ring))
		late.post(set("a=2")).wantPage(t)
		time.Sleep(11 * time.Second)
		late.m = old
		late.wantState("a=2")
	})
}

func TestRuleRingOfItsNamespace(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.SigningKeys = nil })
	other := w.manager(func(cfg *session.Config) { cfg.SigningKeys, cfg.Namespace = nil, "other" })
	w.client().post(set("a=1")).wantPage(t)
	w.clientOf(other).post(set("a=1")).wantPage(t)
	rings := map[string]bool{}
	for _, s := range w.savesSince(0) {
		if s.Format == "holdfast-keyring" {
			rings[s.ID] = true
		}
	}
	if len(rings) != 2 {
		t.Errorf("%d key rings; want one for each namespace", len(rings))
	}
}

func TestRuleVaryWhenLoadFails(t *testing.T) {
	w, c, _ := begun(t)
	w.onFetch(failing)
	a := c.post(read(keyA))
	a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
	if got := a.Result().Header.Get("Vary"); got != "Cookie" {
		t.Errorf("Vary is %q", got)
	}
}

func TestRuleDynamicValue(t *testing.T) {
	_, c, _ := begun(t)
	tree := session.NewKey[any]("tree")
	c.post(func(s *session.Session) { tree.Set(s, map[string]any{"leaf": map[string]any{"n": "v"}}) }).wantPage(t)
	c.post(func(s *session.Session) {
		got, _ := tree.Get(s)
		outer, _ := got.(map[string]any)
		if _, ok := outer["leaf"].(map[string]any); !ok {
			t.Errorf("it comes back as %T %v", got, got)
		}
	}).wantPage(t)
}

// allocsOf returns how often a request with this header of cookies allocates memory.
func allocsOf(w *world, cookies string) float64 {
	r := request(http.MethodPost, "")
	r.Header.Set("Cookie", cookies)
	h := w.m.HandlerFunc(func(http.ResponseWriter, *http.Request, *session.Session) {})
	return testing.AllocsPerRun(10, func() { h.ServeHTTP(httptest.NewRecorder(), r) })
}
