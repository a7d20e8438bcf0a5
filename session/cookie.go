package session

import (
	"errors"
	"fmt"
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

// Cookie holds the attributes of the session cookie (RFC 6265bis). The zero value means
// "__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax", a cookie that ends with the
// browser session. HttpOnly is always set.
//
// Browsers keep a cookie for each combination of Name, Domain, Path and Partitioned. Give
// the cookie another Name when you change one of the others, and where another site of
// the domain has the same SigningKeys. Otherwise browsers send both cookies. Then the one
// whose session is alive counts; this costs one storage trip for each cookie with a valid
// signature. If several sessions are alive, none is served, because a sibling subdomain
// may have planted a cookie. This is logged once. A new session, and with it every login,
// then ends the other sessions, and Session.Destroy ends every session whose cookie came
// with the request. If there are more than eight cookies of the name, all are ignored.
//
// If several cookies came, Destroy and Manager.ClearCookie also clear the cookie in the
// other scopes that can be known, with up to 16 more Set-Cookie headers. These scopes
// combine the host without a Domain, the Domain, the host and their parent domains except
// the top-level one, the folders of the request's path, and Partitioned or not. A login
// does the same if it has ended other sessions or came with more than eight cookies. A
// cookie whose name begins with __Host- has no other Domain or Path.
type Cookie struct {
	Name        string        // default "__Host-session"; with Path or Domain "__Secure-session"; with Insecure "session"
	Path        string        // default "/"
	Domain      string        // default: this host alone
	SameSite    http.SameSite // default Lax, which browsers do not send with a POST from a page of another site
	Partitioned bool          // one cookie jar for each top-level site (CHIPS)

	// MaxAge is how long the browser keeps the cookie, counted from when the session is
	// created or renewed, or its cookie rotated (Config.RotateInterval), not from its last
	// use. The store keeps the session by Config.IdleTimeout and Lifetime, independent of
	// MaxAge. A longer MaxAge extends nothing; with a shorter one the browser drops the
	// cookie of a session that is still alive. For "keep me signed in" use Session.Persist,
	// which sets both. Default 0: until the browser session ends.
	MaxAge time.Duration

	// Insecure omits the Secure attribute, for plain HTTP, where anyone on the network path
	// can read the cookie and take over the session.
	Insecure bool
}

func (c Cookie) withDefaults() Cookie {
	setDefault(&c.Path, "/")
	setDefault(&c.SameSite, http.SameSiteLaxMode)
	switch {
	case c.Name != "":
	case c.Insecure:
		c.Name = "session"
	case c.Domain != "" || c.Path != "/":
		c.Name = "__Secure-session"
	default:
		c.Name = "__Host-session"
	}
	return c
}

// validate checks that a browser keeps the cookie, with a value of up to that length, by the
// rules of RFC 6265bis.
func (c Cookie) validate(length int) error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("session: Cookie."+format, args...))
		}
	}
	lower := strings.ToLower(c.Name) // browsers compare the prefixes without regard to case
	host := c.hostPrefixed()
	secure := strings.HasPrefix(lower, "__secure-") || strings.HasPrefix(lower, "__http-")
	check(!(host || secure) || !c.Insecure, "Insecure: browsers drop a cookie named %q without Secure; choose another Name", c.Name)
	check(!host || c.Domain == "", "Domain: browsers drop a cookie named %q with a Domain; choose another Name", c.Name)
	check(!host || c.Path == "/", "Path: browsers drop a cookie named %q with a Path other than /; choose another Name", c.Name)
	check(strings.HasPrefix(c.Path, "/"), "Path %q does not begin with /", c.Path)
	check(c.SameSite != http.SameSiteNoneMode || !c.Insecure, "SameSite: browsers drop a SameSite=None cookie without Secure")
	check(c.SameSite >= http.SameSiteLaxMode && c.SameSite <= http.SameSiteNoneMode, "SameSite is not a valid mode; use Lax, Strict or None")
	check(!c.Partitioned || !c.Insecure, "Partitioned: browsers drop a partitioned cookie without Secure")
	check(c.MaxAge >= 0 && c.MaxAge <= maxCookieAge, "MaxAge %v is not between 0 and 400 days", c.MaxAge)
	check(c.MaxAge == 0 || c.MaxAge >= time.Second, "MaxAge %v is under a second", c.MaxAge)

	specimen := c.render(strings.Repeat("x", length), maxCookieAge)
	if err := specimen.Valid(); err != nil {
		errs = append(errs, fmt.Errorf("session: %s", strings.TrimPrefix(err.Error(), "http: ")))
	} else {
		check(len(c.Name)+length <= maxCookieLength, "Name: the cookie is over the %d bytes that browsers keep", maxCookieLength)
		check(len(specimen.Path) <= maxCookieAttribute, "Path is over the %d bytes that browsers keep", maxCookieAttribute)
	}
	return errors.Join(errs...)
}

// takeTokens appends the tokens that the request came with: that of Config.Header, or else
// those of its cookies. It is called once: handlers change the headers of their requests,
// as those do that delete Authorization before they pass a request on.
func (p *requestState) takeTokens(values []string) []string {
	if cfg := &p.m.cfg; cfg.Header != "" {
		token, found := cfg.inHeader(p.request.Header)
		p.usesHeader = found || cfg.HeaderOnly
		if token != "" {
			values = append(values, token)
		}
	}
	if !p.usesHeader {
		values = p.m.cfg.Cookie.sent(values, p.request.Header)
	}
	p.sent = uint8(len(values)) // at most maxCandidates+1
	return values
}

// sent appends the values of the cookies of this name in the header of a request, up to
// maxCandidates+1. It parses them as net/http does, but skips all other cookies, of which
// there may be many, and leaves invalid values to the signature check.
func (c *Cookie) sent(values []string, h http.Header) []string {
	return c.allSent(values, h, maxCandidates)
}

// allSent is sent for up to limit+1 values.
func (c *Cookie) allSent(values []string, h http.Header, limit int) []string {
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			name, value, _ := strings.Cut(textproto.TrimString(pair), "=")
			if textproto.TrimString(name) == c.Name {
				values = append(values, unquote(value))
			}
			if len(values) > limit {
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

// of returns the cookie for a token.
func (c Cookie) of(t Token) *http.Cookie {
	if t.Value == "" {
		return c.expired()
	}
	return c.render(t.Value, t.MaxAge)
}

// expired returns the cookie that makes the browser delete the session's cookie.
func (c Cookie) expired() *http.Cookie {
	cookie := c.render("", 0)
	cookie.MaxAge = -1
	return cookie
}

// writeToken adds the headers that the session needs to h.
func (p *requestState) writeToken(h http.Header) {
	switch p.stage.Load() {
	case asked:
		p.m.cfg.vary(h, new([1]string))
	case loaded:
		p.m.cfg.vary(h, &p.own.varyRoom)
	}
	switch t := p.toSend(); {
	case t != nil:
		p.put(h, t)
		p.warnOfLoss()
	case p.issued.Load() != nil: // h may have it since a Flush that has sent nothing
		p.withdraw(h)
	}
	p.writeBinding(h)
	p.writeClearSiteData(h)
	p.writeVersion(h)
}

// put adds the token to h.
func (p *requestState) put(h http.Header, t *Token) {
	if p.usesHeader {
		p.m.cfg.putHeader(h, t)
		return
	}
	cookie := p.m.cfg.Cookie.of(*t)
	putCookie(h, cookie, p.inOtherScopes(cookie))
}

// withdraw removes the token from h.
func (p *requestState) withdraw(h http.Header) {
	if p.usesHeader {
		h.Del(p.m.cfg.responseHeader())
		return
	}
	removeCookie(h, p.m.cfg.Cookie.Name)
}

// warnOfLoss logs, once for each kind, that the browser drops the cookie, or that it
// replaces another of the visitor's.
func (p *requestState) warnOfLoss() {
	if p.usesHeader {
		return
	}
	cookie := &p.m.cfg.Cookie
	if !cookie.Insecure && losesSecure(p.request) && !p.m.warnedOfPlainHTTP.Swap(true) {
		p.m.cfg.Logger.Error("session: the response seems to go over plain HTTP, where browsers drop this Secure cookie; "+
			"serve HTTPS, let the proxy send X-Forwarded-Proto, or set Config.Cookie.Insecure", slog.String("host", p.request.Host))
	}
	if fromAnotherSite(p.request, cookie.SameSite) && p.sent == 0 && !p.m.warnedOfOtherSite.Swap(true) {
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
	switch {
	case p.sent > maxCandidates, p.sent > 1 && cookie.MaxAge < 0, p.clearOthers.Load():
		return p.m.cfg.Cookie.inOtherScopes(p.request)
	}
	return nil
}

// putCookie adds cookie to h, replacing any other of its name, after the cookies that
// clear its name in other scopes. It forbids caching, because a cache that keeps the
// response would hand the session to other visitors (as in CVE-2023-30861).
func putCookie(h http.Header, cookie *http.Cookie, others []*http.Cookie) {
	removeCookie(h, cookie.Name)
	for _, other := range others {
		h.Add("Set-Cookie", other.String())
	}
	h.Add("Set-Cookie", cookie.String()) // last, for clients that ignore scopes
	forbidCaching(h)
}

// removeCookie removes the cookies of that name from the header h of a response.
func removeCookie(h http.Header, name string) {
	h["Set-Cookie"] = slices.DeleteFunc(h["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, name+"=")
	})
}
