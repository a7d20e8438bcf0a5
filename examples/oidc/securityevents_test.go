package main

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// sendEvent sends a security event token to the site.
func (w *world) sendEvent(raw string) answer {
	w.t.Helper()
	return w.send("/security-events", "application/secevent+jwt", raw)
}

// eventToken returns a token with the event session-revoked for a subject, with changed
// claims. A claim that is nil is left out.
func (w *world) eventToken(subjectID, changed map[string]any) string {
	w.t.Helper()
	claims := w.idp.RevokedClaims(subjectID)
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return w.sign("secevent+jwt", claims)
}

func (w *world) userID(name string) map[string]any {
	return map[string]any{"format": "iss_sub", "iss": w.instances[0].events.issuer, "sub": name}
}

func opaque(id string) map[string]any { return map[string]any{"format": "opaque", "id": id} }

func TestSessionRevoked(t *testing.T) {
	for name, tc := range map[string]struct {
		subject          func(w *world, sid string) map[string]any
		otherSessionEnds bool
	}{
		"of a user":    {func(w *world, _ string) map[string]any { return w.userID("ann") }, true},
		"of a session": {func(_ *world, sid string) map[string]any { return opaque(sid) }, false},
		"of a user, complex": {func(w *world, _ string) map[string]any {
			return map[string]any{"format": "complex", "user": w.userID("ann")}
		}, true},
		"of a user's session": {func(w *world, sid string) map[string]any {
			return map[string]any{"format": "complex", "user": w.userID("ann"), "session": opaque(sid)}
		}, false},
		"of a session alone, complex": {func(_ *world, sid string) map[string]any {
			return map[string]any{"format": "complex", "session": opaque(sid)}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ann := w.signedIn("ann")
			sid := w.session("ann")
			elsewhere, bob := w.signedIn("ann"), w.signedIn("bob")
			must(t, w.idp.Revoked(t.Context(), tc.subject(w, sid)))
			ann.want(false)
			elsewhere.want(!tc.otherSessionEnds)
			bob.want(true)
		})
	}
}

func TestASecurityEventIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		changed map[string]any
		code    string
	}{
		"of another issuer":             {map[string]any{"iss": "https://other.example"}, "invalid_issuer"},
		"of another audience":           {map[string]any{"aud": []string{"another"}}, "invalid_audience"},
		"without events":                {map[string]any{"events": nil}, "invalid_request"},
		"with exp, as an ID token":      {map[string]any{"exp": time.Now().Add(time.Hour).Unix()}, "invalid_request"},
		"without jti":                   {map[string]any{"jti": nil}, "invalid_request"},
		"without iat":                   {map[string]any{"iat": nil}, "invalid_request"},
		"issued in the future":          {map[string]any{"iat": time.Now().Add(time.Hour).Unix()}, "invalid_request"},
		"issued long ago":               {map[string]any{"iat": time.Now().Add(-2 * maxEventAge).Unix()}, "invalid_request"},
		"with an event of another kind": {map[string]any{"events": map[string]any{sessionRevoked: "yes"}}, "invalid_request"},
		"without a subject":             {map[string]any{"sub_id": nil}, "invalid_request"},
		"about a user of another issuer": {
			map[string]any{"sub_id": map[string]any{"format": "iss_sub", "iss": "https://other.example", "sub": "ann"}}, "invalid_request",
		},
		"about a user by email": {
			map[string]any{"sub_id": map[string]any{"format": "email", "email": "ann@example.com"}}, "invalid_request",
		},
		"about a session in a format that is not known": {
			map[string]any{"sub_id": map[string]any{"format": "complex", "session": map[string]any{"format": "jwt_id"}}}, "invalid_request",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ann := w.signedIn("ann")
			w.sendEvent(w.eventToken(w.userID("ann"), tc.changed)).want(t, 400, `"err":"`+tc.code+`"`)
			ann.want(true)
		})
	}
	t.Run("forged", func(t *testing.T) {
		w, other := newWorld(t), newWorld(t)
		ann := w.signedIn("ann")
		claims := w.idp.RevokedClaims(w.userID("ann"))
		w.sendEvent(other.sign("secevent+jwt", claims)).want(t, 400, `"err":"invalid_key"`)
		w.sendEvent("token").want(t, 400, `"err":"invalid_key"`)
		ann.want(true)
	})
	t.Run("of another type of token", func(t *testing.T) {
		w := newWorld(t)
		ann := w.signedIn("ann")
		w.sendEvent(w.sign("JWT", w.idp.RevokedClaims(w.userID("ann")))).want(t, 400, "typ")
		ann.want(true)
	})
	t.Run("of another content type", func(t *testing.T) {
		w := newWorld(t)
		ann := w.signedIn("ann")
		w.send("/security-events", "application/jwt", w.eventToken(w.userID("ann"), nil)).want(t, 400, "content type")
		ann.want(true)
	})
}

// A transmitter that has lost the answer sends the token again.
func TestASecurityEventIsProcessedOnce(t *testing.T) {
	w := newWorld(t)
	raw := w.eventToken(w.userID("ann"), nil)
	w.sendEvent(raw).want(t, 202, "")
	ann := w.browser()
	for status := 0; status != 200; { // until the second of the event is over
		status, _ = ann.signIn("ann")
	}
	w.sendEvent(raw).want(t, 202, "")
	ann.want(true)
}

func TestASecurityEventThatFailsIsRepeated(t *testing.T) {
	w := newWorld(t)
	ann := w.signedIn("ann")
	raw := w.eventToken(w.userID("ann"), nil)
	w.onSave(func(*provider.Record) error { return errors.New("the store is down") })
	w.sendEvent(raw).want(t, 503, "send it again")
	w.onSave(nil)
	w.sendEvent(raw).want(t, 202, "")
	ann.want(false)
}

func TestOtherEventsAreAcknowledged(t *testing.T) {
	w := newWorld(t)
	ann := w.signedIn("ann")
	const verification = "https://schemas.openid.net/secevent/ssf/event-type/verification"
	w.sendEvent(w.eventToken(opaque("stream"), map[string]any{"events": map[string]any{verification: struct{}{}}})).want(t, 202, "")
	ann.want(true)
}
