package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/session"
	"github.com/holdfast-go/holdfast/session/sessiontest"
)

// grant is a token server that takes each refresh token once.
type grant struct{ valid, redeemed, reused int }

var errReused = errors.New("a refresh token was used again")

func (g *grant) redeem(sent int) (int, error) {
	if sent != g.valid {
		g.reused++
		return 0, errReused
	}
	g.redeemed++
	g.valid++
	return g.valid, nil
}

// Two requests, in every order of their storage calls: A renews the token, and B does so,
// too, or does something else with the session. The function saves another key, so that
// the other request may also come while it runs.
func TestRuleRefreshInEveryOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		b    func(*session.Session)
		want func(a string, opens string) bool
	}{
		"refresh": {nil, func(a, opens string) bool { return a == "2 <nil>" && opens == "a=2 b=1" }},
		"change":  {set("c=1"), func(a, opens string) bool { return a == "2 <nil>" && opens == "a=2 b=1 c=1" }},
		"update":  {add(keyB, 5), func(a, opens string) bool { return a == "2 <nil>" && opens == "a=2 b=6" }},
		"set": {set("a=9"), func(a, opens string) bool {
			switch a {
			case "2 <nil>", "2 conflict", "9 <nil>":
				return opens == "a=9" || opens == "a=9 b=1"
			}
			return false
		}},
		"logout": {destroy, func(a, opens string) bool {
			return opens == "empty" && (a == "2 <nil>" || a == "2 ended" || a == "0 <nil>" || a == "1 ended" || a == "0 ended")
		}},
		"renewal": {renew, func(a, opens string) bool {
			switch opens { // with B's cookie
			case "a=2 b=1":
				return a == "2 <nil>"
			case "a=1", "a=1 b=1":
				return a == "2 ended" || a == "1 ended" || a == "0 ended" || a == "0 <nil>"
			}
			return false
		}},
	} {
		t.Run(name, func(t *testing.T) {
			sessions := sessiontest.NewManager(t)
			visitor := sessiontest.Cookie(t, sessions, set("a=1"))
			var g grant
			refresh := func(w io.Writer, r *http.Request, s *session.Session) {
				if s.IsNew() {
					fmt.Fprint(w, "0 <nil>") // the session had ended when this request began
					return
				}
				got, err := keyA.Refresh(r.Context(), s, is(1), func(ctx context.Context, old int) (int, error) {
					if err := addAndSave(ctx, s); err != nil {
						return 0, err
					}
					return g.redeem(old)
				})
				switch {
				case errors.Is(err, session.ErrEnded):
					fmt.Fprint(w, got, " ended")
				case errors.Is(err, session.ErrConflict):
					fmt.Fprint(w, got, " conflict")
				default:
					fmt.Fprint(w, got, " ", err)
				}
			}
			request := func(path string) func() *http.Request {
				return func() *http.Request {
					if path == "/a" {
						g = grant{valid: 1}
					}
					r := httptest.NewRequest("POST", path, nil)
					r.AddCookie(visitor)
					return r
				}
			}
			handler := sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
				if r.URL.Path == "/b" && tc.b != nil {
					tc.b(s)
					return
				}
				refresh(w, r, s)
			})
			sessiontest.Interleave(t, sessions, request("/a"), request("/b"), handler, func(t testing.TB, order string, a, b *http.Response) {
				if g.reused > 0 || g.redeemed > 1 {
					t.Errorf("%d redemptions, %d again", g.redeemed, g.reused)
				}
				cookie := visitor
				for _, c := range b.Cookies() {
					cookie = c
				}
				opens := "empty"
				if cookie.MaxAge >= 0 {
					serveOne(sessions, cookie, func(s *session.Session) { opens = show(s) })
				}
				body, _ := io.ReadAll(a.Body)
				text := string(body)
				if a.StatusCode == http.StatusConflict { // the Save of the function has found the end
					text = "0 ended"
				}
				if !tc.want(text, opens) {
					t.Errorf("A got %q; then the session has %q", text, opens)
				}
			})
		})
	}
}

// addAndSave changes another key and saves it.
func addAndSave(ctx context.Context, s *session.Session) error {
	keyB.Update(s, increment)
	return s.Save(ctx)
}
