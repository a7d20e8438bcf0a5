package opensqlite

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

var errName = errors.New("opensqlite: the name of the database is not valid; give a path, or a URL such as sqlite:shop.db or sqlite:///var/lib/shop.db?table=holdfast_sessions&synchronous=normal, with special characters percent-encoded")

// parse returns the configuration that a path or a URL gives.
func parse(name string) (*config, error) {
	c := &config{path: name, table: defaultTable, purgeInterval: 10 * time.Minute}
	if len(name) >= len(scheme) && strings.EqualFold(name[:len(scheme)], scheme) {
		if err := c.parseURL(name); err != nil {
			return nil, err
		}
	}
	switch {
	case strings.HasPrefix(c.path, "file:"), c.path == ":memory:":
		return nil, fmt.Errorf("%w; for sessions in memory use package memory", errName)
	case c.path == "", strings.IndexByte(c.path, 0) >= 0, strings.HasSuffix(c.path, "/"):
		return nil, errName
	}
	path, err := filepath.Abs(c.path)
	if err != nil {
		return nil, fmt.Errorf("opensqlite: %w", err)
	}
	c.path = path
	return c, nil
}

const (
	scheme       = "sqlite:"
	defaultTable = "holdfast_sessions"
)

func (c *config) parseURL(name string) error {
	u, err := url.Parse(name)
	if err != nil || u.Host != "" || u.User != nil || u.Fragment != "" {
		return errName // err may quote the URL
	}
	c.path = u.Path
	if u.Opaque != "" {
		if c.path, err = url.PathUnescape(u.Opaque); err != nil {
			return errName
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errName
	}
	for key, values := range query {
		if len(values) != 1 || !c.set(key, values[0]) {
			return errName
		}
	}
	return nil
}

// set sets a parameter, and reports whether it is valid.
func (c *config) set(key, value string) bool {
	switch key {
	case "table":
		c.table = value
		return value != "" && utf8.ValidString(value) && strings.IndexByte(value, 0) < 0 && !strings.HasPrefix(strings.ToLower(value), "sqlite_")
	case "synchronous":
		c.synchronous = Full
		if strings.EqualFold(value, Normal.String()) {
			c.synchronous = Normal
		}
		return strings.EqualFold(value, c.synchronous.String())
	default:
		return false
	}
}

// dataSource returns the name for the driver. Package sqlite waits for locks itself, in
// turn and until the context ends, so SQLite's own wait is off. The write-ahead log, which
// holds the data of sessions, gets the permissions of the database.
func (c *config) dataSource(pragmas ...string) string {
	path := filepath.ToSlash(c.path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	query := url.Values{"mode": {"rw"}, "vfs": {vfsName}, "modeof": {c.path}, "_pragma": append([]string{"busy_timeout(0)"}, pragmas...)}
	encoded := strings.ReplaceAll(query.Encode(), "+", "%20") // SQLite does not read a + as a blank
	return (&url.URL{Scheme: "file", Path: path, RawQuery: encoded}).String()
}
