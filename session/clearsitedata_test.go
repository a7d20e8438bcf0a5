package session_test

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

// clearing is an option of newWorld that sets ClearSiteData.
func clearing(types ...string) func(*session.Config) {
	return func(cfg *session.Config) { cfg.ClearSiteData = types }
}

// wantCleared checks the header Clear-Site-Data.
func (a *answer) wantCleared(t *testing.T, want ...string) {
	t.Helper()
	if got := a.Header()["Clear-Site-Data"]; !slices.Equal(got, want) {
		t.Errorf("Clear-Site-Data: %q; want %q", got, want)
	}
}

func TestRuleClearSiteData(t *testing.T) {
	const all, withoutCookies = `"cache", "cookies", "storage"`, `"cache", "storage"`
	types := clearing("cache", "cookies", "storage")

	t.Run("is sent when Destroy is committed, by default not", func(t *testing.T) {
		_, c, _ := begun(t, types)
		c.post(set("a=2")).wantCleared(t)
		c.post(renew).wantCleared(t)
		c.post(destroy).wantCleared(t, all)
		_, c, _ = begun(t)
		c.post(destroy).wantCleared(t)
	})
	t.Run("is not sent if Destroy is not committed", func(t *testing.T) {
		w, c, _ := begun(t, types)
		w.onSave(dropped, dropped, dropped, dropped, dropped)
		c.post(destroy).wantCleared(t)
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s, _ := session.Load(r.Context())
			s.Destroy()
			w.WriteHeader(http.StatusInternalServerError)
		}).wantCleared(t)
	})
	t.Run("keeps cookies if the response sets a new one", func(t *testing.T) {
		_, c, _ := begun(t, types)
		c.post(inOrder(destroy, set("b=1"))).wantCleared(t, withoutCookies)
		c.wantState("b=1")
	})
	t.Run("keeps cookies if the session had ended before", func(t *testing.T) {
		_, c, _ := begun(t, types)
		again := c.tab()
		c.post(renew)
		again.post(destroy).wantCleared(t, withoutCookies)
	})
	t.Run("is not sent for cookies alone then", func(t *testing.T) {
		_, c, _ := begun(t, clearing("cookies"))
		c.post(inOrder(destroy, set("b=1"))).wantCleared(t)
	})
	t.Run("is sent for a cookie of no session", func(t *testing.T) {
		w, c, id := begun(t, types)
		w.erase(id)
		c.post(destroy).wantCleared(t, all)
	})
	t.Run("is sent once, beside the handler's own", func(t *testing.T) {
		_, c, _ := begun(t, types)
		c.handle(http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
			s, _ := session.Load(r.Context())
			s.Destroy()
			w.Header().Set("Clear-Site-Data", `"clientHints"`)
			io.Copy(w, struct{ io.Reader }{http.NoBody}) // commits, and sends no header
			io.WriteString(w, "bye")
		}).wantCleared(t, `"clientHints"`, all)
	})
	t.Run("is sent with the response of an error after the Destroy", func(t *testing.T) {
		w, c, _ := begun(t, types)
		w.onSave(pass, dropped, dropped, dropped, dropped, dropped)
		a := c.post(inOrder(destroy, set("b=1")))
		a.wantError(t, http.StatusServiceUnavailable, session.ErrUnavailable)
		a.wantCleared(t, all)
	})
}

// Changes of the slice after New have no effect.
func TestClearSiteDataIsCopied(t *testing.T) {
	types := []string{"cache"}
	_, c, _ := begun(t, clearing(types...), func(cfg *session.Config) { cfg.ClearSiteData = types })
	types[0] = "storage"
	c.post(destroy).wantCleared(t, `"cache"`)
}
