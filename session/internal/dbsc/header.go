package dbsc

import (
	"fmt"
	"strings"
)

// The names of headers.
const (
	RegistrationHeader = "Secure-Session-Registration" // of a response: register a key
	ChallengeHeader    = "Secure-Session-Challenge"    // of a response: sign this
	ResponseHeader     = "Secure-Session-Response"     // of a request: a proof
	IDHeader           = "Sec-Secure-Session-Id"       // of a request: the session to refresh
	SkippedHeader      = "Secure-Session-Skipped"      // of a request: why it has no bound cookie
)

// Registration returns the value of RegistrationHeader: register a key at path and sign
// challenge.
func Registration(path, challenge string) string {
	return fmt.Sprintf("(ES256 RS256);path=%s;challenge=%s", quote(path), quote(challenge))
}

// Challenge returns the value of ChallengeHeader for a session.
func Challenge(challenge, id string) string {
	return fmt.Sprintf("%s;id=%s", quote(challenge), quote(id))
}

// quote returns s as a string of Structured Fields (RFC 9651, section 3.3.3). The strings
// here are visible ASCII.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Item returns the string in the value of IDHeader or ResponseHeader. The draft has a
// string of Structured Fields, and browsers send it without the quotes.
func Item(value string) string {
	value = strings.Trim(value, " ")
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		inner, _, _ := strings.Cut(quoted, `"`)
		return inner
	}
	inner, _, _ := strings.Cut(value, ";")
	return strings.TrimRight(inner, " ")
}

// reasons are the reasons for which a browser sends a request without its bound cookie.
var reasons = []string{"unreachable", "server_error", "quota_exceeded"}

// Skipped returns the first reason in the values of SkippedHeader, or "" if there is none.
func Skipped(values []string) string {
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			token, _, _ := strings.Cut(item, ";")
			for _, reason := range reasons {
				if strings.Trim(token, " \t") == reason {
					return reason
				}
			}
		}
	}
	return ""
}
