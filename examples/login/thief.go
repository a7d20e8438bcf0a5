package main

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A theft is a copy of a browser's cookies, which the shop keeps to show what a thief
// would get. A real shop has no such thing.
type theft struct {
	At      time.Time
	cookies []*http.Cookie

	// What the copies open now: the name of a user, or "".
	All, SessionCookie string
}

// thefts are the last copies of each user's cookies.
type thefts struct {
	mu    sync.Mutex
	users map[string]theft // by the owner of the session
}

func (t *thefts) put(owner string, cookies []*http.Cookie) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users == nil {
		t.users = map[string]theft{}
	}
	t.users[owner] = theft{At: time.Now(), cookies: cookies}
}

func (t *thefts) get(owner string) (theft, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.users[owner]
	return found, ok
}

// copyCookies keeps a copy of the browser's cookies.
func (s *shop) copyCookies(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	if s.mustSignIn(w, r, sess) == "" {
		return
	}
	s.thefts.put(sess.Owner(), r.Cookies())
	backToAccount(w, r, sess, "Your cookies are copied. Below is what they open on another machine.")
}

// stolen returns the copy of the user's cookies with what it opens now, or nil.
func (s *shop) stolen(owner string) *theft {
	t, ok := s.thefts.get(owner)
	if !ok {
		return nil
	}
	t.All = s.opens(t.cookies)
	t.SessionCookie = s.opens(slices.DeleteFunc(slices.Clone(t.cookies), isBound))
	return &t
}

// isBound reports whether c is the cookie that only this device can renew.
func isBound(c *http.Cookie) bool { return strings.HasSuffix(c.Name, "-bound") }

// opens returns the user that a client with these cookies is signed in as.
func (s *shop) opens(cookies []*http.Cookie) (user string) {
	r, err := http.NewRequest(http.MethodGet, "/", nil)
	if err != nil {
		return ""
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	who := s.sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, sess *session.Session) { user = s.signedIn(sess) })
	s.sessions.Passive(who).ServeHTTP(nowhere{}, r)
	return user
}

// nowhere is a ResponseWriter that drops the response.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}
