package session

import (
	"log/slog"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"
)

const (
	maxCookieLength    = 4096 // name and value together; RFC 6265bis, section 5.6
	maxCookieAttribute = 1024

	// maxCandidates is the maximum number of cookies of the session's name that are checked.
	// Browsers send more than one only if an attacker, another site of the domain or an old
	// configuration has set them. Each costs one signature check for each key, and each
	// valid one a storage trip.
	maxCandidates = 8
)

// cookies appends the values of the request's cookies of the session's name.
func (p *requestState) cookies(values []string) []string {
	return p.m.cfg.Cookie.sent(values, p.request.Header)
}

// sent appends the values of the cookies of this name in the header of a request, up to
// maxCandidates+1. It parses them as net/http does, but skips all other cookies, of which
// there may be many, and leaves invalid values to the signature check.
func (c *Cookie) sent(values []string, h http.Header) []string {
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(textproto.TrimString(pair), "=")
			if textproto.TrimString(name) == c.Name {
				values = append(values, unquote(value))
			}
			if len(values) > maxCandidates {
				return values
			}
		}
	}
	return values
}

func unquote(value string) string {
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		return value[1 : n-1]
	}
	return value
}

// render returns the cookie with this value and Max-Age; 0 means until the browser
// session ends.
func (c Cookie) render(value string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name:        c.Name,
		Value:       value,
		Path:        c.Path,
		Domain:      c.Domain,
		MaxAge:      int(age / time.Second),
		Secure:      !c.Insecure,
		HttpOnly:    true,
		SameSite:    c.SameSite,
		Partitioned: c.Partitioned,
	}
}

// expired returns the cookie that makes the browser delete the session's cookie.
func (c Cookie) expired() *http.Cookie {
	cookie := c.render("", 0)
	cookie.MaxAge = -1
	return cookie
}

// writeCookie adds the headers that the session needs to h.
func (p *requestState) writeCookie(h http.Header) {
	if p.asked.Load() {
		varyByCookie(h)
	}
	cookie := p.cookie.Load()
	if cookie == nil {
		return
	}
	putCookie(h, cookie, p.inOtherScopes(cookie))
	if cookie.Secure && losesSecure(p.request) && !p.m.warnedOfPlainHTTP.Swap(true) {
		p.m.cfg.Logger.Error("session: the response seems to go over plain HTTP, where browsers drop this Secure cookie; "+
			"serve HTTPS, let the proxy send X-Forwarded-Proto, or set Config.Cookie.Insecure", slog.String("host", p.request.Host))
	}
	if fromAnotherSite(p.request, cookie.SameSite) && len(p.cookies(nil)) == 0 && !p.m.warnedOfOtherSite.Swap(true) {
		p.m.cfg.Logger.Warn("session: a request from a page of another site began a session, whose cookie replaces the visitor's own, "+
			"which the browser did not send; keep the data of such requests in a second Manager with SameSite=None "+
			"and a cookie Name of its own: see the example \"cross-site\" of Cookie", slog.String("method", p.request.Method))
	}
}

// inOtherScopes returns the cookies that clear the session's name in other scopes than
// that of cookie, which is about to be set. A cookie of another scope may belong to
// another site. So it is cleared only together with its session, or if so many cookies
// came that the new one would be ignored.
func (p *requestState) inOtherScopes(cookie *http.Cookie) []*http.Cookie {
	switch sent := len(p.cookies(nil)); {
	case sent > maxCandidates, sent > 1 && cookie.MaxAge < 0, p.clearOthers.Load():
		return p.m.cfg.Cookie.inOtherScopes(p.request)
	}
	return nil
}

// putCookie adds cookie to h, replacing any other of its name, after the cookies that
// clear its name in other scopes. It forbids caching, because a cache that keeps the
// response would hand the session to other visitors (as in CVE-2023-30861).
func putCookie(h http.Header, cookie *http.Cookie, others []*http.Cookie) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, cookie.Name+"=")
	})
	for _, other := range others {
		h.Add("Set-Cookie", other.String())
	}
	h.Add("Set-Cookie", cookie.String()) // last, for clients that ignore scopes
	forbidCaching(h)
}
