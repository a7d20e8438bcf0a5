package httpstore

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

var (
	errURL   = errors.New("httpstore: the URL is not valid; the forms are https://host/path, http://localhost:port and unix:///path/to/socket, without user, query and fragment")
	errPlain = errors.New("httpstore: http:// to another machine would show the token and the sessions to its network; use https://, or set PlainHTTP if the network is protected")
)

// A target is what a URL names.
type target struct {
	base   string // of the requests' URLs
	socket string // the path of a Unix socket; empty: none
}

func parseURL(text string, options Options) (target, error) {
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return target{}, errURL // err would quote the URL
	}
	switch {
	case u.Scheme == "unix" && u.Host == "" && len(u.Path) > 1:
		return target{base: "http://localhost", socket: u.Path}, nil
	case u.Hostname() == "":
		return target{}, errURL
	case u.Scheme == "http" && !options.PlainHTTP && !isLoopback(u.Hostname()):
		return target{}, errPlain
	case u.Scheme == "http", u.Scheme == "https":
		return target{base: u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/")}, nil
	}
	return target{}, errURL
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
