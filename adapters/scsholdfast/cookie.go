package scsholdfast

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// SessionCookie holds the attributes of the session cookie.
type SessionCookie struct {
	// Name is the name of the cookie. New sets "session".
	Name string

	// Domain is the domain whose hosts get the cookie. "" means only the host that has set
	// it.
	Domain string

	// HttpOnly has no effect: the cookie always has the attribute HttpOnly.
	HttpOnly bool //lint:ignore ST1003 it is the name in scs

	// Path is the path below which the cookie is sent. "" means "/"; with scs it means the
	// folder of the page that began the session.
	Path string

	// SameSite says whether the cookie is sent with requests from pages of other sites. Zero
	// omits the attribute. New sets http.SameSiteLaxMode.
	SameSite http.SameSite

	// Secure restricts the cookie to HTTPS. Set it in production.
	Secure bool

	// Partitioned gives the cookie a jar of its own for each top-level site. It needs
	// Secure.
	Partitioned bool

	// Persist makes the browser keep the cookie until the deadline of the session. Without
	// it, the cookie ends with the browser session, unless RememberMe(ctx, true) was called.
	// New sets it.
	Persist bool
}

func (k *SessionCookie) setDefaults() {
	k.Name = cmp.Or(k.Name, "session")
	k.Path = cmp.Or(k.Path, "/")
}

// config returns the attributes that the Manager validates, and clears the cookie with.
// Those of a cookie that is sent are set by render.
func (k *SessionCookie) config() session.Cookie {
	c := session.Cookie{
		Name: k.Name, Path: k.Path, Domain: k.Domain,
		SameSite: k.SameSite, Partitioned: k.Partitioned, Insecure: !k.Secure,
	}
	if c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = 0
	}
	return c
}

// render returns the cookie for a token. If expiry is zero, the browser deletes the
// cookie. Otherwise it keeps the cookie until expiry or, unless persist is set, until the
// browser session ends.
func (k *SessionCookie) render(token string, expiry time.Time, persist bool) *http.Cookie {
	cookie := &http.Cookie{
		Name: k.Name, Value: token, Path: k.Path, Domain: k.Domain,
		SameSite: k.SameSite, Secure: k.Secure, HttpOnly: true, Partitioned: k.Partitioned,
	}
	switch {
	case expiry.IsZero():
		cookie.Expires, cookie.MaxAge = time.Unix(1, 0), -1
	case persist:
		left := min(time.Until(expiry), maxLifetime)
		cookie.Expires = expiry.Add(time.Second).Truncate(time.Second)
		cookie.MaxAge = int((left + time.Second) / time.Second)
		if left <= 0 {
			cookie.MaxAge = -1
		}
	}
	return cookie
}

// WriteSessionCookie adds the cookie for a token and an expiry that Commit has returned,
// and forbids caches to store the response. If expiry is zero, as after Destroy, the
// browser deletes its cookie. ctx is that of the session: its RememberMe counts.
//
// It is for programs that use Load and Commit. LoadAndSave sends the cookie itself. It
// panics if the configuration is not valid.
func (s *SessionManager) WriteSessionCookie(ctx context.Context, w http.ResponseWriter, token string, expiry time.Time) {
	c, err := s.core()
	if err != nil {
		panic(err)
	}
	persist := c.cookie.Persist || s.GetBool(ctx, rememberMe)
	w.Header().Add("Set-Cookie", c.cookie.render(token, expiry, persist).String())
	forbidCaching(w.Header())
}

// writeCookie gives the cookie in h, which the Manager has just written or deleted, the
// attributes of scs. If the Manager has written none although the visitor must get one,
// as after RememberMe or an import, it is added. Status is that of the response; with one
// of 500 or more, the changes of the handler have not been saved.
func (d *data) writeCookie(h http.Header, status int) {
	if d.session == nil {
		return
	}
	token := d.session.Token().Value
	at := lastOf(h["Set-Cookie"], d.core.cookie.Name+"=")
	switch {
	case at >= 0:
		value, _, _ := strings.Cut(h["Set-Cookie"][at][len(d.core.cookie.Name)+1:], ";")
		if value == token {
			lines := slices.Clone(h["Set-Cookie"]) // others may hold the slice
			lines[at] = d.cookie(token).String()
			h["Set-Cookie"] = lines
		}
	case token != "" && (d.imported || d.resend.Load() && !d.failed.Load() && status < 500):
		h.Add("Set-Cookie", d.cookie(token).String())
		forbidCaching(h)
	}
	if d.imported {
		d.core.importer.clearCookie(h)
	}
}

// cookie returns the cookie that the visitor is to hold, or for no token the one that
// deletes it.
func (d *data) cookie(token string) *http.Cookie {
	if token == "" {
		return d.core.cookie.render("", time.Time{}, false)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.core.cookie.render(token, d.deadline, d.core.cookie.Persist || d.remembered())
}

// lastOf returns the index of the last line that begins with prefix, or -1.
func lastOf(lines []string, prefix string) int {
	for i, line := range slices.Backward(lines) {
		if strings.HasPrefix(line, prefix) {
			return i
		}
	}
	return -1
}

// forbidCaching forbids caches to store a response, also those that have a header of
// their own. A cache that stores a session cookie hands it to other visitors.
func forbidCaching(h http.Header) {
	for name := range h {
		switch lower := strings.ToLower(name); {
		case strings.HasSuffix(lower, "-cache-control"), lower == "surrogate-control", lower == "edge-control":
			h[name] = []string{"no-store"}
		case lower == "x-accel-expires":
			h[name] = []string{"0"}
		case lower == "expires":
			delete(h, name)
		}
	}
	h.Set("Cache-Control", "no-store")
}
