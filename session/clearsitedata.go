package session

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// clearCookies is the type of Clear-Site-Data that also ends the session's cookie.
const clearCookies = "cookies"

// siteData are the types that Config.ClearSiteData may name: those of the specification,
// https://w3c.github.io/webappsec-clear-site-data/, and those that Chromium has added.
// "*" is missing, since it includes types that are not known yet.
var siteData = []string{"cache", "clientHints", clearCookies, "executionContexts", "prefetchCache", "prerenderCache", "storage"}

func (c *Config) validateClearSiteData() error {
	for i, name := range c.ClearSiteData {
		switch {
		case name == "*":
			return fmt.Errorf("session: ClearSiteData[%d] is %q, which includes types that browsers have yet to add; name each of %q", i, name, siteData)
		case !slices.Contains(siteData, name):
			return fmt.Errorf("session: ClearSiteData[%d] is %q; the types are %q, without quotes", i, name, siteData)
		case slices.Contains(c.ClearSiteData[:i], name):
			return fmt.Errorf("session: ClearSiteData names %q twice", name)
		}
	}
	return nil
}

// writeClearSiteData adds Clear-Site-Data to the header of a response that has ended the
// session by Destroy. It leaves out cookies if the browser keeps the session's: if the
// response sets a new one, or if the session had ended before, so that the browser may
// hold the cookie of another by now.
func (p *requestState) writeClearSiteData(h http.Header) {
	types := p.m.cfg.ClearSiteData
	if len(types) == 0 || !p.destroyed.Load() {
		return
	}
	all, kept := quoteAll(types), quoteAll(slices.DeleteFunc(slices.Clone(types), func(name string) bool { return name == clearCookies }))
	lines := slices.DeleteFunc(h["Clear-Site-Data"], func(line string) bool { return line == all || line == kept })
	line := kept
	if t := p.toSend(); t != nil && t.Value == "" {
		line = all
	}
	if line != "" {
		lines = append(lines, line)
	}
	if len(lines) > 0 {
		h["Clear-Site-Data"] = lines
	}
}

// quoteAll returns the value of the header that has these types.
func quoteAll(types []string) string {
	if len(types) == 0 {
		return ""
	}
	return `"` + strings.Join(types, `", "`) + `"`
}
