package gorillaholdfast

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/gorilla/sessions"
)

// cookieName returns the name of the cookie of a session. It is the session's, unless
// that cannot be sent: net/http drops a cookie whose name has a blank, without an error.
func cookieName(name string) string {
	if strings.IndexFunc(name, notInToken) < 0 {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c == '%' || notInToken(rune(c)) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// notInToken reports whether the name of a cookie cannot contain r; RFC 6265, section
// 4.1.1.
func notInToken(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// prefixed reports whether browsers keep a cookie of that name only if it is Secure, only
// without Domain and with Path=/, and only if it is HttpOnly.
func prefixed(name string) (secure, host, httpOnly bool) {
	lower := strings.ToLower(name) // as browsers compare it
	host = strings.HasPrefix(lower, "__host-")
	httpOnly = strings.HasPrefix(lower, "__http-") || strings.HasPrefix(lower, "__host-http-")
	return host || httpOnly || strings.HasPrefix(lower, "__secure-"), host, httpOnly
}

// checkCookie returns why browsers would drop a cookie with these Options; RFC 6265bis,
// section 5.7.
func checkCookie(name string, o *sessions.Options) error {
	secure, host, httpOnly := prefixed(name)
	var wrong string
	switch {
	case secure && !o.Secure:
		wrong = "Secure must be true for this name"
	case httpOnly && !o.HttpOnly:
		wrong = "HttpOnly must be true for this name"
	case host && o.Domain != "":
		wrong = "Domain must be empty for this name"
	case host && o.Path != "/":
		wrong = "Path must be / for this name"
	case o.SameSite == http.SameSiteNoneMode && !o.Secure:
		wrong = "Secure must be true for SameSite=None"
	case o.Partitioned && !o.Secure:
		wrong = "Secure must be true for Partitioned"
	default:
		err := sessions.NewCookie(name, "x", o).Valid()
		if err == nil {
			return nil
		}
		wrong = strings.TrimPrefix(err.Error(), "http: ")
	}
	return fmt.Errorf("gorillaholdfast: browsers would drop the cookie %q: Options.%s", name, wrong)
}

// maxTokens is the number of cookies of one name above which session.Manager ignores all.
const maxTokens = 8

// cookieValues returns the values of the request's cookies of that name that have one, at
// most maxTokens+1. It leaves invalid ones to the check of the signature.
func cookieValues(r *http.Request, name string) (values []string) {
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			n, value, _ := strings.Cut(textproto.TrimString(pair), "=")
			if textproto.TrimString(n) != name {
				continue
			}
			if l := len(value); l > 1 && value[0] == '"' && value[l-1] == '"' {
				value = value[1 : l-1]
			}
			if value != "" {
				values = append(values, value)
			}
			if len(values) > maxTokens {
				return values
			}
		}
	}
	return values
}

// setCookie adds a cookie to the header h of a response, in place of an earlier one of
// the same name and scope. It forbids caching, because a cache that keeps the response
// would hand the session to other visitors.
func setCookie(h http.Header, cookie *http.Cookie) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		other, err := http.ParseSetCookie(line)
		return err == nil && sameScope(other, cookie)
	})
	h.Add("Set-Cookie", cookie.String())
	forbidCaching(h)
}

// sameScope reports whether browsers take b for a new value of a.
func sameScope(a, b *http.Cookie) bool {
	return a.Name == b.Name && a.Path == b.Path && a.Partitioned == b.Partitioned &&
		strings.EqualFold(strings.TrimPrefix(a.Domain, "."), strings.TrimPrefix(b.Domain, "."))
}

// forbidCaching tells caches to store nothing of the response. A header for one kind of
// cache replaces Cache-Control there; RFC 9213, section 2.2.
func forbidCaching(h http.Header) {
	for name := range h {
		lower := strings.ToLower(name)
		switch {
		case lower == "x-accel-expires":
			h[name] = []string{"0"}
		case lower == "expires":
			delete(h, name)
		case strings.HasSuffix(lower, "-cache-control"), lower == "surrogate-control", lower == "edge-control":
			h[name] = []string{"no-store"}
		}
	}
	h.Set("Cache-Control", "no-store")
}

// varyByCookie tells caches that the response depends on the cookie.
func varyByCookie(h http.Header) {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}

// headerSent reports whether w says that the response's header has been sent, as gin's
// writer does. That of net/http does not.
func headerSent(w http.ResponseWriter) bool {
	for {
		if teller, ok := w.(interface{ Written() bool }); ok && teller.Written() {
			return true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = u.Unwrap()
	}
}
