package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func TestRuleErrors(t *testing.T) {
	t.Run("ErrOutcomeUnknown wraps ErrUnavailable", func(t *testing.T) {
		wantErr(t, session.ErrOutcomeUnknown, session.ErrUnavailable)
	})

	for err, want := range map[error]int{
		session.ErrConflict:       409,
		session.ErrEnded:          409,
		session.ErrOutcomeUnknown: 503,
		session.ErrUnavailable:    503,
		session.ErrUnreadable:     503,
		session.ErrTooLarge:       500,
		session.ErrEncode:         500,
		session.ErrHeaderSent:     500,
		session.ErrRequestDone:    500,
		session.ErrNoHandler:      500,
		errors.New("other"):       500,
	} {
		t.Run(err.Error(), func(t *testing.T) {
			for _, e := range []error{err, fmt.Errorf("wrapped: %w", err), errors.Join(err)} {
				if got := session.StatusCode(e); got != want {
					t.Errorf("StatusCode(%v) is %d; want %d", e, got, want)
				}
			}
		})
	}

	t.Run("the default ErrorHandler answers with StatusCode", func(t *testing.T) {
		_, c, _ := begun(t, func(cfg *session.Config) { cfg.ErrorHandler = nil })
		a := c.post(func(s *session.Session) {
			keyA.Get(s)
			c.tab().post(set("a=7"))
			keyA.Set(s, 2)
		})
		if a.Code != 409 || strings.Contains(a.Body.String(), "page") {
			t.Errorf("got %d %q", a.Code, a.Body)
		}
	})

	t.Run("ErrConflict names the key and the remedy", func(t *testing.T) {
		cart := session.NewKey[int]("cart")
		_, c, _ := begun(t)
		a := c.post(func(s *session.Session) {
			cart.Get(s)
			c.tab().post(func(s *session.Session) { cart.Set(s, 1) })
			cart.Set(s, 2)
		})
		a.wantError(t, 409, session.ErrConflict)
		for _, word := range []string{"cart", "Update", "Replay"} {
			if !strings.Contains(fmt.Sprint(a.err), word) {
				t.Errorf("%q does not say %q", a.err, word)
			}
		}
	})

	t.Run("ErrTooLarge: MaxSize is checked before any I/O", func(t *testing.T) {
		w := newWorld(t, func(cfg *session.Config) { cfg.MaxSize = 1 << 10 })
		text := session.NewKey[string]("text")
		a := w.client().post(func(s *session.Session) { text.Set(s, strings.Repeat("x", 2<<10)) })
		a.wantError(t, 500, session.ErrTooLarge)
		a.wantCookies(t, 0)
		if n := w.store.Trips(); n != 0 {
			t.Errorf("%d trips", n)
		}
	})

	t.Run("ErrTooLarge of the provider", func(t *testing.T) {
		w, c, _ := begun(t)
		w.onSave(refused(provider.ErrTooLarge))
		c.post(set("a=2")).wantError(t, 500, session.ErrTooLarge)
		c.wantState("a=1")
	})
}

// The error of a conflict names the remedies that help, and no others.
func TestRuleConflictNamesTheRemedy(t *testing.T) {
	const (
		update  = "Key.Update"
		create  = "Key.GetOrSet"
		replays = "Manager.Replay"
		safe    = "Manager.HandlerFunc"
		inside  = "Session.Update"
	)
	all := []string{update, create, replays, safe, inside}
	for _, tc := range []struct {
		did    string
		mine   func(*session.Session)
		theirs string
		want   map[session.Isolation][]string
	}{
		{"Get, then Set, of a value", func(s *session.Session) { n, _ := keyA.Get(s); keyA.Set(s, n+1) }, "a=7", map[session.Isolation][]string{
			session.LevelMerge:        {update, replays},
			session.LevelSerializable: {update, replays},
			session.LevelStrict:       {replays},
		}},
		{"Get, then Set, of what was absent", func(s *session.Session) { keyC.Get(s); keyC.Set(s, 1) }, "c=7", map[session.Isolation][]string{
			session.LevelMerge:        {update, create, replays, safe},
			session.LevelSerializable: {update, create, replays, safe},
			session.LevelStrict:       {create, replays, safe},
		}},
		{"GetOrSet", func(s *session.Session) { keyC.GetOrSet(s, func() int { return 1 }) }, "c=7", map[session.Isolation][]string{
			session.LevelMerge:        {replays, safe},
			session.LevelSerializable: {replays, safe},
			session.LevelStrict:       {replays, safe},
		}},
		{"Pop", func(s *session.Session) { keyA.Pop(s) }, "a=7", map[session.Isolation][]string{
			session.LevelMerge:        {},
			session.LevelSerializable: {},
			session.LevelStrict:       {},
		}},
		{"Get, then Delete", func(s *session.Session) { keyA.Get(s); keyA.Delete(s) }, "a=7", map[session.Isolation][]string{
			session.LevelMerge:        {replays},
			session.LevelSerializable: {replays},
			session.LevelStrict:       {replays},
		}},
		{"Get, then Clear", func(s *session.Session) { keyA.Get(s); s.Clear() }, "a=7", map[session.Isolation][]string{
			session.LevelMerge:        {replays},
			session.LevelSerializable: {replays},
			session.LevelStrict:       {replays},
		}},
		{"Get, and Update", func(s *session.Session) { keyA.Get(s); keyA.Update(s, increment) }, "a=7", map[session.Isolation][]string{
			session.LevelSerializable: {update, replays},
			session.LevelStrict:       {replays},
		}},
		{"Get, then Set of another key", func(s *session.Session) { keyA.Get(s); keyB.Set(s, 1) }, "a=7", map[session.Isolation][]string{
			session.LevelSerializable: {replays, inside},
			session.LevelStrict:       {replays, inside},
		}},
		{"Keys, then Set", func(s *session.Session) { s.Keys(); keyB.Set(s, 1) }, "c=7", map[session.Isolation][]string{
			session.LevelSerializable: {replays},
			session.LevelStrict:       {replays},
		}},
		{"Set", set("b=1"), "c=7", map[session.Isolation][]string{
			session.LevelStrict: {replays},
		}},
	} {
		for l, want := range tc.want {
			t.Run(fmt.Sprintf("%s/level %d", tc.did, l), func(t *testing.T) {
				_, c, _ := begun(t, level(l))
				a := c.post(func(s *session.Session) {
					c.tab().post(set(tc.theirs)).wantPage(t)
					tc.mine(s)
				})
				a.wantError(t, 409, session.ErrConflict)
				for _, word := range all {
					wanted := false
					for _, w := range want {
						wanted = wanted || w == word
					}
					if strings.Contains(fmt.Sprint(a.err), word) != wanted {
						t.Errorf("%q names %s: %v", a.err, word, !wanted)
					}
				}
			})
		}
	}

	t.Run("where code outside of the handler that runs again has read", func(t *testing.T) {
		_, c, _ := begun(t)
		rival := c.tab()
		inner := c.m.Replay(loading(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
			createPlain.GetOrSet(s, mine)
			rival.post(func(s *session.Session) { createPlain.Set(s, "theirs") })
		}))
		a := c.serve(c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			createPlain.Get(load(t, r))
			inner.ServeHTTP(w, r)
		})), request("GET", ""))
		a.wantError(t, 409, session.ErrConflict)
		if text := fmt.Sprint(a.err); !strings.Contains(text, "read the session in that handler") || strings.Contains(text, update) {
			t.Errorf("got %q", text)
		}
	})

	t.Run("where the handler has run as often as it may", func(t *testing.T) {
		_, c, _ := begun(t, func(cfg *session.Config) { cfg.ReplayAttempts = 2 })
		h := &contested{rival: c.tab(), n: 5}
		a := c.serve(replay(c.m, h.serve), request("GET", ""))
		a.wantError(t, 409, session.ErrConflict)
		if !strings.Contains(fmt.Sprint(a.err), "ReplayAttempts") {
			t.Errorf("got %q", a.err)
		}
	})
}

// Values that this package has not made panic with advice.
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
		"Commit":       func(s *session.Session) { _, _ = s.Commit(ctx) },
		"Token":        func(s *session.Session) { s.Token() },
		"Update":       func(s *session.Session) { _ = s.Update(ctx, func(*session.Session) error { return nil }) },
		"Check":        func(s *session.Session) { _ = s.Check(ctx) },
	}
	for name, use := range onSession {
		t.Run(name+" of a nil Session", func(t *testing.T) { wantPanic(t, "look at the error", func() { use(nil) }) })
		t.Run(name+" of a zero Session", func(t *testing.T) {
			wantPanic(t, "take the one of Load, HandlerFunc, Manager.Open or Manager.Sessions", func() { use(new(session.Session)) })
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
		"Open":         func(m *session.Manager) { _, _ = m.Open(ctx) },
		"Cookie":       func(m *session.Manager) { m.Cookie(session.Token{}) },
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

// wantPanic checks that fn panics with a text that contains advice.
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
