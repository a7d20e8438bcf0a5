package session

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// Proxies that terminate HTTPS say so in one of these headers, with the name of the
// scheme or with a flag.
var (
	schemeHeaders = []string{
		"X-Forwarded-Proto", "X-Forwarded-Protocol", "X-Forwarded-Scheme", "X-Url-Scheme", "X-Scheme",
		"CloudFront-Forwarded-Proto", "CF-Visitor", "Forwarded", // RFC 7239
	}
	flagHeaders = []string{"X-Forwarded-Ssl", "Front-End-Https", "X-AppEngine-Https", "Fastly-SSL", "X-ARR-SSL"}
)

// losesSecure reports whether a browser is about to drop a Secure cookie in the response:
// the browser sent the request over plain HTTP to a remote host. Browsers send
// Sec-Fetch-Site only where they accept such a cookie: over HTTPS and to their own host
// (W3C Fetch Metadata, section 2). The proxies' headers are for older browsers.
func losesSecure(r *http.Request) bool {
	return r.TLS == nil && isBrowser(r) && r.Header.Get("Sec-Fetch-Site") == "" && !toLoopback(r.Host) && !proxiedByTLS(r.Header)
}

// isBrowser reports whether a browser sent r: their User-Agents all begin like this.
func isBrowser(r *http.Request) bool { return strings.HasPrefix(r.UserAgent(), "Mozilla/") }

// toLoopback reports whether host is the browser's own.
func toLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// proxiedByTLS reports whether a header says that a proxy received the request over
// HTTPS.
func proxiedByTLS(h http.Header) bool {
	return slices.ContainsFunc(schemeHeaders, func(name string) bool {
		return slices.ContainsFunc(h.Values(name), namesTLS)
	}) || slices.ContainsFunc(flagHeaders, func(name string) bool {
		return isOn(h.Get(name))
	})
}

// namesTLS reports whether one of the words of a header is a scheme over TLS, as in
// "https, http", proto="https" and {"scheme":"https"}.
func namesTLS(value string) bool {
	words := strings.FieldsFuncSeq(strings.ToLower(value), func(r rune) bool { return strings.ContainsRune(` ,;="{}:`, r) })
	for word := range words {
		if word == "https" || word == "wss" {
			return true
		}
	}
	return false
}

func isOn(flag string) bool {
	switch strings.ToLower(flag) {
	case "", "0", "off", "no", "false":
		return false
	}
	return true
}

// fromAnotherSite reports whether r is a navigation from a page of another site for which
// the browser withholds the session cookie of this mode: SameSite=Lax for a POST,
// SameSite=Strict for any method.
func fromAnotherSite(r *http.Request, mode http.SameSite) bool {
	if r.Header.Get("Sec-Fetch-Site") != "cross-site" || r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return false
	}
	return mode == http.SameSiteStrictMode || mode == http.SameSiteLaxMode && r.Method == http.MethodPost
}
