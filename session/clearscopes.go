package session

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// maxOtherScopes is the maximum number of Set-Cookie headers that clear the session's
// name in other scopes. Proxies limit the size of a response's header: nginx to 4 KB by
// default.
const maxOtherScopes = 16

// scope distinguishes the cookies of one name that a browser keeps.
type scope struct {
	domain      string // "": of this host alone
	path        string
	partitioned bool
}

// differences returns the number of attributes in which s and o differ.
func (s scope) differences(o scope) (n int) {
	for _, differ := range []bool{s.domain != o.domain, s.path != o.path, s.partitioned != o.partitioned} {
		if differ {
			n++
		}
	}
	return n
}

// inOtherScopes returns the cookies that clear c's name in the scopes that an earlier
// Config may have used, as far as the response to r can set them. Scopes that differ from
// c's in fewer attributes come first. Browsers ignore a scope that the host may not set,
// such as a public suffix.
func (c Cookie) inOtherScopes(r *http.Request) []*http.Cookie {
	here := scope{strings.ToLower(strings.TrimPrefix(c.Domain, ".")), c.Path, c.Partitioned}
	var cookies []*http.Cookie
	for n := 1; n <= 3; n++ {
		for _, s := range c.scopes(here, r) {
			if s.differences(here) != n || len(cookies) == maxOtherScopes {
				continue
			}
			cookie := c.expired()
			cookie.Domain, cookie.Path, cookie.Partitioned = s.domain, s.path, s.partitioned
			if cookie.Valid() == nil && len(s.path) <= maxCookieAttribute {
				cookies = append(cookies, cookie)
			}
		}
	}
	return cookies
}

// scopes returns all possible scopes of c's name that are known.
func (c Cookie) scopes(here scope, r *http.Request) (all []scope) {
	domains, paths, partitions := []string{here.domain}, []string{here.path}, []bool{false}
	if !c.hostPrefixed() {
		domains = append(append(domains, ""), append(parents(here.domain), parents(hostname(r))...)...)
		paths = append(paths, folders(r.URL.EscapedPath())...)
	}
	if !c.Insecure {
		partitions = append(partitions, true)
	}
	for _, domain := range distinct(domains) {
		for _, path := range distinct(paths) {
			for _, partitioned := range partitions {
				all = append(all, scope{domain, path, partitioned})
			}
		}
	}
	return all
}

// hostPrefixed reports whether browsers restrict cookies of c's name to their host and to
// Path=/.
func (c Cookie) hostPrefixed() bool {
	return strings.HasPrefix(strings.ToLower(c.Name), "__host-") // or __host-http-
}

// hostname returns the host that r was sent to, in lower case, without its port.
func hostname(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

// parents returns domain and its parent domains except the top-level one. It returns nil
// for an IP address.
func parents(domain string) (all []string) {
	if net.ParseIP(strings.Trim(domain, "[]")) != nil {
		return nil
	}
	for strings.Contains(domain, ".") {
		all = append(all, domain)
		_, domain, _ = strings.Cut(domain, ".")
	}
	return all
}

// maxFolders is the maximum number of a path's folders that are cleared, counted from the
// root, since a Config is likely to have used one of those.
const maxFolders = 4

// folders returns the folders that contain the path of a URL, beginning with the root.
func folders(path string) []string {
	all := []string{"/"}
	for i, c := range path {
		if c == '/' && i > 0 && len(all) < maxFolders {
			all = append(all, path[:i])
		}
	}
	return all
}

// distinct returns all without duplicates.
func distinct(all []string) (once []string) {
	for _, s := range all {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
