package session_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// open returns the session of the tokens.
func (w *world) open(tokens ...string) *session.Session {
	w.t.Helper()
	s, err := w.m.Open(w.t.Context(), tokens...)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// commit commits s, which must succeed.
func commit(t *testing.T, s *session.Session) session.Token {
	t.Helper()
	token, err := s.Commit(t.Context())
	wantErr(t, err, nil)
	if got := s.Token(); got != token {
		t.Errorf("Token is %v, and Commit returned %v", got, token)
	}
	return token
}

func TestCommitReturnsTheVisitorsToken(t *testing.T) {
	w := newWorld(t)
	fresh := w.open("")
	if got := commit(t, fresh); got != (session.Token{}) {
		t.Errorf("of an empty session: %v", got)
	}
	set("a=1")(fresh)
	held := commit(t, fresh)
	if held.Value == "" || held.MaxAge != 0 || !held.Changed {
		t.Errorf("of a new session: %v", held)
	}
	set("a=2")(fresh)
	if got := commit(t, fresh); got != held {
		t.Errorf("of a second commit: %v", got)
	}
	kept := session.Token{Value: held.Value}

	s := w.open(held.Value)
	if got := s.Token(); got != kept {
		t.Errorf("of a session that was opened: %v", got)
	}
	set("a=3")(s)
	if got := commit(t, s); got != kept {
		t.Errorf("of a change: %v", got)
	}
	s.Persist(48 * time.Hour)
	persistent := commit(t, s)
	if persistent.Value == "" || persistent.MaxAge != 48*time.Hour || !persistent.Changed {
		t.Errorf("of Persist: %v", persistent)
	}
	if got := commit(t, w.open(persistent.Value)); got.Value != persistent.Value || got.Changed {
		t.Errorf("of the persistent session: %v", got)
	}
	s = w.open(persistent.Value)
	s.Renew()
	renewed := commit(t, s)
	if renewed.Value == persistent.Value || !renewed.Changed || show(w.open(renewed.Value)) != "a=3" {
		t.Errorf("of Renew: %v", renewed)
	}
	if old := w.open(persistent.Value); !old.IsNew() || show(old) != "empty" || old.Token() != (session.Token{}) {
		t.Errorf("of the token before Renew: %v", old.Token())
	}
	s = w.open(renewed.Value)
	s.Destroy()
	if got := commit(t, s); got != (session.Token{Changed: true}) {
		t.Errorf("of Destroy: %v", got)
	}
	if got := w.open("forged").Token(); got != (session.Token{}) {
		t.Errorf("of a forged token: %v", got)
	}
}

func TestOpen(t *testing.T) {
	t.Run("takes of several tokens the one whose session is alive", func(t *testing.T) {
		w := newWorld(t)
		ended, alive := w.open(), w.open()
		set("a=1")(ended)
		set("a=2")(alive)
		tokens := []string{"forged", commit(t, ended).Value, commit(t, alive).Value}
		ended.Destroy()
		commit(t, ended)
		s := w.open(tokens...)
		if show(s) != "a=2" || s.Token().Value != tokens[2] {
			t.Errorf("%s, %v", show(s), s.Token())
		}
	})
	t.Run("takes none of several that are alive, and a login ends them", func(t *testing.T) {
		w := newWorld(t)
		var tokens []string
		for range 2 {
			s := w.open()
			set("a=1")(s)
			tokens = append(tokens, commit(t, s).Value)
		}
		s := w.open(tokens...)
		if !s.IsNew() {
			t.Error("it is one of them")
		}
		s.Renew()
		set("a=2")(s)
		tokens = append(tokens, commit(t, s).Value)
		if got := show(w.open(tokens...)); got != "a=2" {
			t.Errorf("afterwards it is %q", got)
		}
	})
	t.Run("of no token needs no store", func(t *testing.T) {
		store := &storetest.Store{Provider: memory.New()}
		store.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errBroken }
		m := newManager(t, store, session.Config{}) // whose keys are in the store
		for _, tokens := range [][]string{nil, {""}, {"", ""}, {"forged"}, {strings.Repeat("A", 5000)}} {
			if _, err := m.Open(t.Context(), tokens...); err != nil || store.Trips() != 0 {
				t.Errorf("%.20q: error %v, %d trips", tokens, err, store.Trips())
			}
		}
		_, err := m.Open(t.Context(), strings.Repeat("A", 120)) // may be one of a key in the store
		wantErr(t, err, session.ErrUnavailable)
	})
	t.Run("does not count empty tokens", func(t *testing.T) {
		w := newWorld(t)
		s := w.open()
		set("a=1")(s)
		if got := show(w.open(append(make([]string, 20), commit(t, s).Value)...)); got != "a=1" {
			t.Errorf("the session has %q", got)
		}
	})
	t.Run("reports a store that fails", func(t *testing.T) {
		w := newWorld(t)
		s := w.open()
		set("a=1")(s)
		token := commit(t, s)
		w.store.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errBroken }
		s, err := w.m.Open(t.Context(), token.Value)
		wantErr(t, err, session.ErrUnavailable)
		if s != nil {
			t.Error("there is a session beside the error")
		}
	})
	t.Run("may have a context that ends before Commit", func(t *testing.T) {
		w := newWorld(t)
		s := w.open()
		set("a=1")(s)
		ctx, cancel := context.WithCancel(t.Context())
		s, err := w.m.Open(ctx, commit(t, s).Value)
		wantErr(t, err, nil)
		cancel()
		s.Renew()
		if token := commit(t, s); show(w.open(token.Value)) != "a=1" {
			t.Error("it is not renewed")
		}
	})
}

func TestCommit(t *testing.T) {
	t.Run("reports a conflict, and the next Open has the other's change", func(t *testing.T) {
		w := newWorld(t)
		s := w.open()
		set("a=1")(s)
		token := commit(t, s).Value
		mine, other := w.open(token), w.open(token)
		keyA.Get(mine)
		set("a=5")(mine)
		set("a=7")(other)
		commit(t, other)
		got, err := mine.Commit(t.Context())
		wantErr(t, err, session.ErrConflict)
		if got.Value != token || got.Changed {
			t.Errorf("the token is %v", got)
		}
		_, err = mine.Commit(t.Context())
		wantErr(t, err, session.ErrConflict)
		if got := show(w.open(token)); got != "a=7" {
			t.Errorf("stored is %q", got)
		}
	})
	bubble("extends the session, as a request does that only reads", t, func(t *testing.T) {
		w := newWorld(t)
		s := w.open()
		set("a=1")(s)
		token := commit(t, s).Value
		time.Sleep(30 * time.Minute)
		commit(t, w.open(token))
		time.Sleep(45 * time.Minute)
		if got := show(w.open(token)); got != "a=1" {
			t.Errorf("after 75 minutes it is %q", got)
		}
		time.Sleep(30 * time.Minute) // no commit has followed on the last Open
		if got := show(w.open(token)); got != "empty" {
			t.Errorf("75 minutes after the last commit it is %q", got)
		}
	})
	bubble("extends it once, and Touch each time", t, func(t *testing.T) {
		for touch, want := range map[bool]string{false: "empty", true: "a=1"} {
			w := newWorld(t)
			s := w.open()
			set("a=1")(s)
			token := commit(t, s).Value
			s = w.open(token)
			for range 3 {
				time.Sleep(40 * time.Minute)
				commit(t, s)
				if touch {
					wantErr(t, s.Touch(t.Context()), nil)
				}
			}
			if got := show(w.open(token)); got != want {
				t.Errorf("after two hours it is %q; want %q", got, want)
			}
		}
	})
	t.Run("has a token beside an error, if a Destroy succeeded", func(t *testing.T) {
		w := newWorld(t)
		s := w.open()
		set("a=1")(s)
		s = w.open(commit(t, s).Value)
		s.Destroy()
		session.NewKey[string]("b").Set(s, strings.Repeat("x", 100<<10))
		got, err := s.Commit(t.Context())
		wantErr(t, err, session.ErrTooLarge)
		if got != (session.Token{Changed: true}) {
			t.Errorf("the token is %v", got)
		}
	})
	t.Run("is Save in a request, which sends the token itself", func(t *testing.T) {
		w := newWorld(t)
		c := w.client()
		a := c.post(func(s *session.Session) {
			set("a=1")(s)
			if got := commit(t, s); got.Value == "" || !got.Changed {
				t.Errorf("the token is %v", got)
			}
		})
		a.wantCookies(t, 1)
		c.post(func(s *session.Session) {
			if got := s.Token(); got.Value != c.jar["session"] || got.Changed {
				t.Errorf("the token is %v", got)
			}
		})
	})
	t.Run("of a session without a request has no token", func(t *testing.T) {
		w, _, id := begun(t)
		err := w.m.Update(t.Context(), id, func(s *session.Session) error {
			if got := s.Token(); got != (session.Token{}) {
				t.Errorf("the token is %v", got)
			}
			return nil
		})
		wantErr(t, err, nil)
	})
}

func TestSigned(t *testing.T) {
	w := newWorld(t)
	s := w.open()
	set("a=1")(s)
	token := commit(t, s).Value
	signed := func(rule, token string, want bool) {
		t.Helper()
		trips := w.store.Trips()
		got, err := w.m.Signed(t.Context(), token)
		wantErr(t, err, nil)
		if got != want {
			t.Errorf("%s: signed %t", rule, got)
		}
		if n := w.store.Trips() - trips; n != 0 {
			t.Errorf("%s: %d storage trips", rule, n)
		}
	}
	signed("of a live session", token, true)
	s.Destroy()
	commit(t, s)
	signed("of a session that has ended", token, true)
	signed("forged", token[:40]+"xxxx"+token[44:], false)
	signed("of another form", "old", false)
	signed("empty", "", false)

	broken := &storetest.Store{Provider: memory.New()}
	broken.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, errBroken }
	_, err := newManager(t, broken, session.Config{}).Signed(t.Context(), token)
	wantErr(t, err, session.ErrUnavailable)
}

func TestCookieOfAToken(t *testing.T) {
	m := newManager(t, memory.New(), session.Config{})
	for token, want := range map[session.Token]string{
		{Value: "v"}:                    "__Host-session=v; Path=/; HttpOnly; Secure; SameSite=Lax",
		{Value: "v", MaxAge: time.Hour}: "__Host-session=v; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax",
		{Changed: true}:                 "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
	} {
		if got := m.Cookie(token).String(); got != want {
			t.Errorf("%v: got  %s\nwant %s", token, got, want)
		}
	}
}

func TestOpenNeedsAManager(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a zero Manager opens sessions")
		}
	}()
	_, _ = new(session.Manager).Open(t.Context())
}

func TestATokenThatIsLoggedOpensNoSession(t *testing.T) {
	for _, token := range []session.Token{{Value: "secret"}, {Value: "secret", MaxAge: time.Hour, Changed: true}, {Changed: true}, {}} {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", token)
		fmt.Fprintf(&log, "%v %+v %#v %s %v", token, token, token, token, []any{token, &token})
		if text := log.String(); strings.Contains(text, "secret") || !strings.Contains(text, "session token") {
			t.Error(text)
		}
	}
}
