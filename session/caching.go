package session

import (
	"net/http"
	"strings"
)

// forbidCaching makes caches keep nothing of the response, whatever the handler said.
// A header that is for one kind of cache alone takes the place of Cache-Control there
// (RFC 9213, section 2.2), so it has to say the same. Expires is for those that know,
// or are made to heed, no Cache-Control.
func forbidCaching(h http.Header) {
	for name := range h {
		switch {
		case targetsCaches(name):
			h[name] = []string{"no-store"}
		case strings.EqualFold(name, "X-Accel-Expires"): // nginx
			h[name] = []string{"0"}
		case strings.EqualFold(name, "Expires"):
			delete(h, name)
		}
	}
	h.Set("Cache-Control", "no-store")
}

// targetsCaches reports whether a header has directives for some caches alone:
// CDN-Cache-Control, those that vendors have named after it, and what was there before.
func targetsCaches(name string) bool {
	const suffix = "-Cache-Control"
	return len(name) > len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix) ||
		strings.EqualFold(name, "Surrogate-Control") || strings.EqualFold(name, "Edge-Control")
}

// varyByCookie adds Cookie to h's Vary, unless it is there.
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
