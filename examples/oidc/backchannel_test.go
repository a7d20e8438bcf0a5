package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-go/holdfast/provider"
)

// sendLogout sends a logout token to the site.
func (w *world) sendLogout(raw string) answer {
	w.t.Helper()
	return w.send("/backchannel-logout", "application/x-www-form-urlencoded", url.Values{"logout_token": {raw}}.Encode())
}

// logoutToken returns a token for a session, with changed claims. A claim that is nil is
// left out.
func (w *world) logoutToken(sid string, changed map[string]any) string {
	w.t.Helper()
	text, err := json.Marshal(w.idp.LogoutClaims("", sid))
	must(w.t, err)
	claims := map[string]any{}
	must(w.t, json.Unmarshal(text, &claims))
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return w.sign("logout+jwt", claims)
}

func TestTheProviderEndsASession(t *testing.T) {
	w := newWorld(t)
	ann, bob := w.signedIn("ann"), w.signedIn("bob")
	elsewhere := w.signedIn("ann")
	sid := w.idp.Sessions()[0].ID
	must(t, w.idp.EndSession(t.Context(), sid))
	ann.want(false)
	elsewhere.want(true)
	bob.want(true)
}

func TestTheProviderEndsAllSessionsOfAUser(t *testing.T) {
	w := newWorld(t)
	ann, elsewhere, bob := w.signedIn("ann"), w.signedIn("ann"), w.signedIn("bob")
	must(t, w.idp.EndUser(t.Context(), "ann"))
	ann.want(false)
	elsewhere.want(false)
	bob.want(true)
}

func TestASessionOfAnotherIssuerStays(t *testing.T) {
	w := newWorld(t)
	ann := w.signedIn("ann")
	must(t, w.instances[0].end(t.Context(), account{Issuer: "https://other.example", SessionID: w.session("ann")}, time.Now()))
	must(t, w.instances[0].end(t.Context(), account{Issuer: "https://other.example", Subject: "ann"}, time.Now()))
	ann.want(true)
}

func TestALogoutTokenIsRefused(t *testing.T) {
	events := func(event any) map[string]any { return map[string]any{"events": map[string]any{logoutEvent: event}} }
	for name, changed := range map[string]map[string]any{
		"of another issuer":               {"iss": "https://other.example"},
		"of another audience":             {"aud": "another"},
		"that has expired":                {"exp": time.Now().Add(-time.Second).Unix()},
		"without exp":                     {"exp": nil},
		"without iat":                     {"iat": nil},
		"that was issued in the future":   {"iat": time.Now().Add(clockSkew + time.Minute).Unix()},
		"that was issued long ago":        {"iat": time.Now().Add(-maxTokenAge - time.Minute).Unix()},
		"without jti":                     {"jti": nil},
		"without sid and sub":             {"sid": nil},
		"with a nonce":                    {"nonce": "n"},
		"with an empty nonce":             {"nonce": ""},
		"without events":                  {"events": nil},
		"with another event":              {"events": map[string]any{sessionRevoked: struct{}{}}},
		"with an event that is no object": events("yes"),
		"with an event that is null":      events(json.RawMessage("null")),
		"with events that are no object":  {"events": []string{logoutEvent}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ann := w.signedIn("ann")
			sid := w.session("ann")
			w.sendLogout(w.logoutToken(sid, changed)).want(t, 400, `"error":"invalid_request"`)
			ann.want(true)
			w.sendLogout(w.logoutToken(sid, nil)).want(t, 200, "")
			ann.want(false)
		})
	}
}

func TestAForgedLogoutTokenIsRefused(t *testing.T) {
	w := newWorld(t)
	ann := w.signedIn("ann")
	sid := w.session("ann")
	own := w.logoutToken(sid, nil)
	header, rest, _ := strings.Cut(own, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, nil)
	must(t, err)
	claims, err := json.Marshal(w.idp.LogoutClaims("", sid))
	must(t, err)
	signed, err := signer.Sign(claims)
	must(t, err)
	forged, err := signed.CompactSerialize()
	must(t, err)
	const none = "eyJhbGciOiJub25lIn0" // {"alg":"none"}
	for name, raw := range map[string]string{
		"nothing":                   "",
		"no token":                  "token",
		"with the key of another":   forged,
		"without a signature":       none + "." + payload + ".",
		"of none, with a signature": none + "." + payload + "." + signature,
		"with other claims":         header + "." + strings.ToUpper(payload) + "." + signature,
		"too large":                 strings.Repeat("x", maxTokenSize),
	} {
		t.Run(name, func(t *testing.T) {
			w.sendLogout(raw).want(t, 400, "the logout token is not valid")
			ann.want(true)
		})
	}
	w.sendLogout(own).want(t, 200, "")
	ann.want(false)
}

// An ID token is signed by the same key for the same audience.
func TestAnIDTokenIsNoLogoutToken(t *testing.T) {
	w := newWorld(t)
	ann := w.signedIn("ann")
	now := time.Now().Unix()
	raw := w.sign("JWT", map[string]any{
		"iss": w.instances[0].events.issuer, "aud": clientID, "sub": "ann", "sid": w.session("ann"),
		"iat": now, "exp": now + 60, "nonce": "n", "jti": "1",
	})
	w.sendLogout(raw).want(t, 400, "the logout token is not valid")
	ann.want(true)
}

func TestALogoutTokenIsTakenOnce(t *testing.T) {
	w := newWorld(t)
	raw := w.sign("logout+jwt", w.idp.LogoutClaims("ann", ""))
	w.sendLogout(raw).want(t, 200, "")
	ann := w.browser()
	for status := 0; status != http.StatusOK; { // until the second of the logout is over
		status, _ = ann.signIn("ann")
	}
	for range w.instances {
		w.sendLogout(raw).want(t, 400, "processed before")
	}
	ann.want(true)
}

// A logout that fails is repeated with the same token.
func TestALogoutThatFailsIsRepeated(t *testing.T) {
	for name, refuses := range map[string]func(*provider.Record) bool{
		"the token is not recorded":   func(rec *provider.Record) bool { return rec.Format == "oidc-token" && rec.Version == begun },
		"the session does not end":    func(rec *provider.Record) bool { return rec.Format != "oidc-token" && rec.Format != "oidc-logout" },
		"the logout is not noted":     func(rec *provider.Record) bool { return rec.Format == "oidc-logout" },
		"the success is not recorded": func(rec *provider.Record) bool { return rec.Version == done && rec.Format == "oidc-token" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ann := w.signedIn("ann")
			raw := w.logoutToken(w.session("ann"), nil)
			w.onSave(func(rec *provider.Record) error {
				if refuses(rec) {
					return errors.New("the store is down")
				}
				return nil
			})
			w.sendLogout(raw).want(t, 400, "send the token again")
			w.onSave(nil)
			w.sendLogout(raw).want(t, 200, "")
			ann.want(false)
			w.sendLogout(raw).want(t, 400, "processed before")
		})
	}
}

// A login that has its ID token already, but no session yet, is ended by the logout.
func TestALoginDuringTheLogoutHasNoSession(t *testing.T) {
	for name, end := range map[string]func(*world) error{
		"of the session": func(w *world) error { return w.idp.EndSession(w.t.Context(), w.session("ann")) },
		"of the user":    func(w *world) error { return w.idp.EndUser(w.t.Context(), "ann") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var once atomic.Bool
			w.onSave(func(rec *provider.Record) error {
				if len(w.idp.Sessions()) == 1 && once.CompareAndSwap(false, true) { // the first save after the ID token
					return end(w)
				}
				return nil
			})
			ann := w.browser()
			if status, body := ann.signIn("ann"); status != http.StatusForbidden || !strings.Contains(body, errLoginEnded.Error()) {
				t.Errorf("%d %s", status, body)
			}
			if !once.Load() {
				t.Fatal("no logout")
			}
			ann.want(false)
		})
	}
}

func TestOneOfManyDeliveriesIsTaken(t *testing.T) {
	w := newWorld(t)
	ann := w.signedIn("ann")
	raw := w.logoutToken(w.session("ann"), nil)
	answers := make(chan answer)
	const deliveries = 8
	for range deliveries {
		go func() { answers <- w.sendLogout(raw) }()
	}
	taken := 0
	for range deliveries {
		switch a := <-answers; a.status {
		case 200:
			taken++
		case 400:
		default:
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if taken == 0 {
		t.Error("no delivery was taken")
	}
	ann.want(false)
	w.sendLogout(raw).want(t, 400, "processed before")
}
