package session

import (
	"net/http"
	"strings"
)

// forbidCaching tells caches to store nothing of the response, whatever the handler has
// set. A header for one kind of cache replaces Cache-Control there (RFC 9213, section
// 2.2), so it is set as well. Expires is removed for caches that do not know
// Cache-Control, or are configured to ignore it.
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

// targetsCaches reports whether a header has directives for some caches only:
// CDN-Cache-Control, the vendors' headers named after it, and their predecessors.
func targetsCaches(name string) bool {
	const suffix = "-Cache-Control"
	return len(name) > len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix) ||
		strings.EqualFold(name, "Surrogate-Control") || strings.EqualFold(name, "Edge-Control")
}

// vary adds the headers of requests that tokens come in to h's Vary. Room may be used for
// one of them.
func (c *Config) vary(h http.Header, room *[1]string) {
	if c.Header != "" {
		varyBy(h, c.Header, new([1]string))
	}
	if !c.HeaderOnly {
		varyBy(h, "Cookie", room)
	}
}

// varyBy adds a header to h's Vary unless it is already there.
func varyBy(h http.Header, name string, room *[1]string) {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, name) {
				return
			}
		}
	}
	if len(h["Vary"]) > 0 {
		h.Add("Vary", name)
		return
	}
	room[0] = name
	h["Vary"] = room[:]
}
