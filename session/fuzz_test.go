package session_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/securecookie"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// FuzzCookie sends a session cookie of any bytes. One that was not signed with
// the Manager's keys must cost no storage trip; and only the genuine token, in
// whatever spelling, opens the session. Nothing sets a cookie or breaks.
func FuzzCookie(f *testing.F) {
	store := &storetest.Store{Provider: memory.New()}
	keys := [][]byte{bytes.Repeat([]byte("k"), 32), bytes.Repeat([]byte("o"), 32)}
	sessions, err := session.New(store, session.Config{
		SigningKeys: keys,
		Cookie:      session.Cookie{Insecure: true},
		Logger:      slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		f.Fatal(err)
	}
	user := session.NewKey[string]("user")
	signIn := sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { user.Set(s, "ann") })
	whoami := sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		name, _ := user.Get(s)
		_, _ = io.WriteString(w, name)
	})

	w := httptest.NewRecorder()
	signIn.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	genuine := w.Result().Cookies()[0].Value

	for _, seed := range []string{
		"", genuine, genuine[1:], genuine[:len(genuine)-1], genuine + "=", strings.ToUpper(genuine),
		"x" + genuine, genuine + "; session=" + genuine, genuine + "; session=x", `"` + genuine + `"`,
		"x; theme=dark; session=" + genuine, "x;session = " + genuine + " ; y", "x;\tsession=" + genuine, "x; session", "x; sessions=" + genuine,
		strings.Repeat("A", 5000), "|||", base64.URLEncoding.EncodeToString([]byte("1|2|3")), "%00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"] = []string{"session=" + strings.NewReplacer("\r", "", "\n", "").Replace(value)} // no header has line breaks
		signed, sentGenuine := false, false
		for _, c := range r.CookiesNamed("session") {
			if token := verified(keys, c.Value); token != nil {
				signed = true
				sentGenuine = sentGenuine || bytes.Equal(token, verified(keys, genuine))
			}
		}
		before := store.Trips()
		w := httptest.NewRecorder()
		whoami.ServeHTTP(w, r)
		opened, trips := w.Body.String() == "ann", store.Trips()-before
		if w.Code != http.StatusOK || w.Header().Get("Set-Cookie") != "" || opened && !sentGenuine || trips > 0 && !signed {
			t.Errorf("status %d, opened %v, %d trips, Set-Cookie %q", w.Code, opened, trips, w.Header().Get("Set-Cookie"))
		}
	})
}

// verified returns the token of a cookie that one of keys has signed.
func verified(keys [][]byte, value string) []byte {
	for _, key := range keys {
		var token []byte
		codec := securecookie.New(key, nil).SetSerializer(securecookie.NopEncoder{}).MaxAge(0)
		if codec.Decode("session", value, &token) == nil {
			return token
		}
	}
	return nil
}
