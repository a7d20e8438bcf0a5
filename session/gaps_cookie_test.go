package session_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

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
