package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// What was not made by this package panics with what to do.
func TestZeroValuesPanicWithAdvice(t *testing.T) {
	ctx := t.Context()
	onSession := map[string]func(s *session.Session){
		"Key.Get":      func(s *session.Session) { keyA.Get(s) },
		"Key.Pop":      func(s *session.Session) { keyA.Pop(s) },
		"Key.Set":      func(s *session.Session) { keyA.Set(s, 1) },
		"Key.GetOrSet": func(s *session.Session) { keyA.GetOrSet(s, func() int { return 1 }) },
		"Touch":        func(s *session.Session) { _ = s.Touch(ctx) },
		"Key.Delete":   func(s *session.Session) { keyA.Delete(s) },
		"Key.Update":   func(s *session.Session) { keyA.Update(s, increment) },
		"Handle":       func(s *session.Session) { s.PublicID() },
		"IsNew":        func(s *session.Session) { s.IsNew() },
		"CreatedAt":    func(s *session.Session) { s.CreatedAt() },
		"LastSeenAt":   func(s *session.Session) { s.LastSeenAt() },
		"ExpiresAt":    func(s *session.Session) { s.ExpiresAt() },
		"Keys":         func(s *session.Session) { s.Keys() },
		"Owner":        func(s *session.Session) { s.Owner() },
		"SetOwner":     func(s *session.Session) { s.SetOwner("ann") },
		"Clear":        func(s *session.Session) { s.Clear() },
		"Renew":        func(s *session.Session) { s.Renew() },
		"Destroy":      func(s *session.Session) { s.Destroy() },
		"Persist":      func(s *session.Session) { s.Persist(time.Hour) },
		"Save":         func(s *session.Session) { _ = s.Save(ctx) },
		"Update":       func(s *session.Session) { _ = s.Update(ctx, func(*session.Session) error { return nil }) },
		"Check":        func(s *session.Session) { _ = s.Check(ctx) },
	}
	for name, use := range onSession {
		t.Run(name+" of a nil Session", func(t *testing.T) { wantPanic(t, "look at the error", func() { use(nil) }) })
		t.Run(name+" of a zero Session", func(t *testing.T) {
			wantPanic(t, "take the one of Load, HandlerFunc or Manager.Sessions", func() { use(new(session.Session)) })
		})
	}

	w := newWorld(t)
	for name, use := range map[string]func(s *session.Session){
		"Get":      func(s *session.Session) { session.Key[int]{}.Get(s) },
		"Pop":      func(s *session.Session) { session.Key[int]{}.Pop(s) },
		"Set":      func(s *session.Session) { session.Key[int]{}.Set(s, 1) },
		"GetOrSet": func(s *session.Session) { session.Key[int]{}.GetOrSet(s, func() int { return 1 }) },
		"Delete":   func(s *session.Session) { session.Key[int]{}.Delete(s) },
		"Update":   func(s *session.Session) { session.Key[int]{}.Update(s, increment) },
	} {
		t.Run(name+" of a zero Key", func(t *testing.T) {
			w.client().post(func(s *session.Session) { wantPanic(t, "NewKey", func() { use(s) }) })
		})
	}

	nothing := func(http.ResponseWriter, *http.Request, *session.Session) {}
	for name, use := range map[string]func(m *session.Manager){
		"Handler":      func(m *session.Manager) { m.Handler(http.NotFoundHandler()) },
		"HandlerFunc":  func(m *session.Manager) { m.HandlerFunc(nothing) },
		"Replay":       func(m *session.Manager) { m.Replay(http.NotFoundHandler()) },
		"Load":         func(m *session.Manager) { _, _ = m.Load(ctx) },
		"ClearCookie":  func(m *session.Manager) { m.ClearCookie(httptest.NewRecorder(), request("GET", "")) },
		"Sessions":     func(m *session.Manager) { _, _ = m.Sessions(ctx, "ann") },
		"Revoke":       func(m *session.Manager) { _ = m.Revoke(ctx, "x") },
		"RevokeAll":    func(m *session.Manager) { _ = m.RevokeAll(ctx, "ann") },
		"RevokeOthers": func(m *session.Manager) { _ = m.RevokeOthers(ctx, loaded(w.client())) },
		"Update":       func(m *session.Manager) { _ = m.Update(ctx, "x", setting("a=1")) },
	} {
		for kind, m := range map[string]*session.Manager{"nil": nil, "zero": new(session.Manager)} {
			t.Run(name+" of a "+kind+" Manager", func(t *testing.T) { wantPanic(t, "New", func() { use(m) }) })
		}
	}
}

// wantPanic checks that fn panics with a text that has the advice.
func wantPanic(t *testing.T, advice string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "session: use of a") || !strings.Contains(text, advice) {
			t.Errorf("recovered %q; want the advice %q", text, advice)
		}
	}()
	fn()
}
