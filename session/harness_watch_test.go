package session_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/session"
)

// checkedDaily is an option of newWorld: what ends a watched session sooner is a message.
func checkedDaily(cfg *session.Config) { cfg.WatchInterval = 24 * time.Hour }

// silent makes the store of w one that cannot broadcast, for Managers that are made
// afterwards.
func silent(w *world) {
	w.store.OnBroadcast = func(context.Context, []byte, storetest.BroadcastFunc) error { return errors.ErrUnsupported }
	w.store.OnListen = func(context.Context, func(), func([]byte), storetest.ListenFunc) error { return errors.ErrUnsupported }
}

// watching returns the context of a Watch of the client's session that ends with the test.
func watching(t *testing.T, c *client) context.Context {
	t.Helper()
	ctx, stop := loaded(c).Watch(t.Context())
	t.Cleanup(stop)
	synctest.Wait()
	wantWatched(t, ctx)
	return ctx
}

// wantWatched checks that the context of a Watch has not ended.
func wantWatched(t *testing.T, ctx context.Context) {
	t.Helper()
	synctest.Wait()
	if ctx.Err() != nil {
		t.Errorf("the context has ended: %v", context.Cause(ctx))
	}
}

// wantWatchEnded checks that the context of a Watch has ended with its session.
func wantWatchEnded(t *testing.T, ctx context.Context) {
	t.Helper()
	synctest.Wait()
	if ctx.Err() == nil || context.Cause(ctx) != session.ErrEnded {
		t.Errorf("the context's error is %v, its cause %v; want ErrEnded", ctx.Err(), context.Cause(ctx))
	}
}

// endings are the ways to end the session of c, on the instance m.
var endings = map[string]func(t *testing.T, m *session.Manager, c *client){
	"Destroy": func(t *testing.T, m *session.Manager, c *client) { c.at(m).post(destroy).wantPage(t) },
	"Renew":   func(t *testing.T, m *session.Manager, c *client) { c.at(m).post(renew).wantPage(t) },
	"Revoke": func(t *testing.T, m *session.Manager, c *client) {
		wantErr(t, m.Revoke(t.Context(), c.sessionID()), nil)
	},
	"RevokeAll": func(t *testing.T, m *session.Manager, c *client) { wantErr(t, m.RevokeAll(t.Context(), "ann"), nil) },
	"RevokeOthers": func(t *testing.T, m *session.Manager, c *client) {
		wantErr(t, m.RevokeOthers(t.Context(), anns(c, m)), nil)
	},
	"OwnerLimit": func(t *testing.T, m *session.Manager, c *client) { c.w.clientOf(m).post(signIn("ann")).wantPage(t) },
	"Destroy in Manager.Update": func(t *testing.T, m *session.Manager, c *client) {
		wantErr(t, m.Update(t.Context(), c.sessionID(), func(s *session.Session) error { s.Destroy(); return nil }), nil)
	},
	"a login beside several cookies": func(t *testing.T, m *session.Manager, c *client) {
		r := request("POST", "")
		r.AddCookie(&http.Cookie{Name: "session", Value: c.fresh(m)})
		c.serve(m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { signIn("bob")(s) }), r).wantPage(t)
	},
}

// at returns a tab of the client at another instance.
func (c *client) at(m *session.Manager) *client {
	tab := c.tab()
	tab.m = m
	return tab
}

// fresh returns the cookie of a new session at m.
func (c *client) fresh(m *session.Manager) string {
	other := c.w.clientOf(m)
	other.post(set("b=1"))
	return other.jar["session"]
}

// anns returns another session of ann's.
func anns(c *client, m *session.Manager) *session.Session {
	other := c.w.clientOf(m)
	other.post(signIn("ann"))
	return loaded(other)
}
