package session

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const authorization = "Authorization"

// inHeader returns the token in the header of a request, and whether the request has
// Config.Header; if so, its cookies do not count. The token is "" if there are several,
// since nobody can tell which of them another hop looks at.
func (c *Config) inHeader(h http.Header) (token string, found bool) {
	for _, line := range h[c.Header] {
		if c.Header == authorization {
			scheme, credentials, _ := strings.Cut(line, " ")
			if !strings.EqualFold(scheme, "Bearer") { // such as Basic, which is not ours
				continue
			}
			line = strings.TrimLeft(credentials, " ")
		}
		if found {
			return "", true
		}
		token, found = line, true
	}
	return token, found
}

// responseHeader returns the name of the header in which a response has a new token.
func (c *Config) responseHeader() string {
	if c.Header == authorization { // which only requests have; RFC 9110, section 11.6.2
		return "Session-Token"
	}
	return c.Header
}

// putHeader puts the token into the header h of a response, and forbids caching for the
// same reason as putCookie.
func (c *Config) putHeader(h http.Header, t *Token) {
	h.Set(c.responseHeader(), t.Value)
	forbidCaching(h)
}

// notForTokens are headers that have another meaning, that net/http does not pass on, or
// that pages of other origins may send without asking (Fetch, "CORS-safelisted
// request-header").
var notForTokens = []string{
	"Accept", "Accept-Language", "Cache-Control", "Connection", "Content-Language", "Content-Length", "Content-Type", "Cookie",
	"Date", "Expires", "Host", "Location", "Origin", "Proxy-Authorization", "Range", "Set-Cookie", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Vary", "X-Accel-Expires",
}

func (c *Config) validateHeader() error {
	switch {
	case c.Header == "" && c.HeaderOnly:
		return fmt.Errorf("session: HeaderOnly needs a Header")
	case c.Header == "":
		return nil
	case strings.ContainsFunc(c.Header, notInFieldName):
		return fmt.Errorf("session: Header %q is not the name of an HTTP header", c.Header)
	case slices.Contains(notForTokens, c.Header) || targetsCaches(c.Header):
		return fmt.Errorf("session: Header %q has another meaning in HTTP; use Authorization, or a name such as X-Session-Token", c.Header)
	}
	return nil
}

// notInFieldName reports whether the name of a header cannot contain r; RFC 9110, section
// 5.6.2.
func notInFieldName(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}
