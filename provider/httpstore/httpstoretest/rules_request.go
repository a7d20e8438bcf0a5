package httpstoretest

import (
	"net/http"
	"strings"
)

// These requests are refused: they would be refused again, and have changed nothing.
var requestRules = []rule{
	{
		"token",
		"A request without the token is answered 401, unauthorized, and changes nothing.",
		func(s *subject) {
			if s.token == "" {
				return
			}
			path := s.newPath()
			s.put(path, "7", "data")
			for _, authorization := range []string{"", "Bearer", "Bearer " + s.token + "x", "Bearer " + s.token[1:], "Basic " + s.token, s.token} {
				for _, method := range []string{"GET", "PUT", "DELETE"} {
					got := s.send(method, path, headers{"Authorization": authorization, "Holdfast-Version": "8"}, "")
					s.fails(method+" without the token", got, http.StatusUnauthorized, "unauthorized", "refused")
					s.has(method, got, headers{"Www-Authenticate": "Bearer"})
				}
				got := s.send("GET", "/v1/records", headers{"Authorization": authorization}, "")
				s.fails("a listing without the token", got, http.StatusUnauthorized, "unauthorized", "refused")
			}
			s.holds(path, "7", "data")
		},
	},
	{
		"bad-put",
		"A PUT with headers that are not as the protocol says is answered 400, bad-request, and changes nothing.",
		func(s *subject) {
			path := s.newPath()
			s.put(path, "7", "data")
			for _, h := range []headers{
				{},
				{"Holdfast-Version": "x"},
				{"Holdfast-Version": "08"},
				{"Holdfast-Version": "+8"},
				{"Holdfast-Version": "8.0"},
				{"Holdfast-Version": "9223372036854775808"},
				{"Holdfast-Version": "8", "If-Match": "*"},
				{"Holdfast-Version": "8", "If-Match": "7"},
				{"Holdfast-Version": "8", "If-Match": `W/"7"`},
				{"Holdfast-Version": "8", "If-Match": `"7", "8"`},
				{"Holdfast-Version": "8", "If-Match": `"0"`},
				{"Holdfast-Version": "8", "If-Match": `"-7"`},
				{"Holdfast-Version": "8", "If-Match": `"9223372036854775808"`},
				{"Holdfast-Version": "8", "If-None-Match": `"8"`},
				{"Holdfast-Version": "8", "If-None-Match": "*", "If-Match": `"7"`},
				{"Holdfast-Version": "8", "Holdfast-Expires": "0"},
				{"Holdfast-Version": "8", "Holdfast-Expires": "-1"},
				{"Holdfast-Version": "8", "Holdfast-Expires": "1.5"},
				{"Holdfast-Version": "8", "Holdfast-Expires": "253402300800000"},
				{"Holdfast-Version": "8", "Holdfast-Format": "%z"},
				{"Holdfast-Version": "8", "Holdfast-Timeout": "0"},
				{"Holdfast-Version": "8", "Holdfast-Timeout": "1s"},
			} {
				s.fails("PUT", s.send("PUT", path, h, "other"), http.StatusBadRequest, "bad-request", "refused")
			}
			s.holds(path, "7", "data")
		},
	},
	{
		"invalid-record",
		"An ID or a record that breaks a rule of records is answered 400, invalid-record, and nothing is changed.",
		func(s *subject) {
			path := s.newPath()
			s.put(path, "7", "data")
			for _, h := range []headers{
				{"Holdfast-Version": "0", "If-Match": `"7"`},
				{"Holdfast-Version": "-8", "If-Match": `"7"`},
				{"Holdfast-Version": "8", "If-Match": `"7"`, "Holdfast-Format": strings.Repeat("x", 256)},
				{"Holdfast-Version": "8", "If-Match": `"7"`, "Holdfast-Format": "%00"},
				{"Holdfast-Version": "8", "If-Match": `"7"`, "Holdfast-Format": "%FF"},
			} {
				s.wantInvalid("PUT", s.send("PUT", path, h, "other"))
			}
			s.holds(path, "7", "data")
			for _, id := range []string{strings.Repeat("x", 256), "a\x00", "\xff", "é"[:1], "\xed\xa0\x80"} {
				for _, method := range []string{"GET", "PUT", "DELETE"} {
					s.wantInvalid(method, s.send(method, s.pathOf(id), headers{"Holdfast-Version": "8"}, ""))
				}
			}
			s.wantInvalid("a listing", s.send("GET", "/v1/records?prefix="+encode("a\x00"), nil, ""))
		},
	},
	{
		"ids",
		"An ID in the path is in base64url without padding, in its only form.",
		func(s *subject) {
			for _, segment := range []string{"a", "aa=", "aGk=", "YR", "a+b_", "a.b", "YWI%2F", "YQ/YQ", "YWFh%20"} {
				got := s.send("GET", "/v1/records/"+segment, nil, "")
				if s.err == nil && got.status != http.StatusNotFound {
					s.fails("GET of "+segment, got, http.StatusBadRequest, "bad-request", "refused")
				} else {
					s.has("GET of "+segment, got, headers{"Holdfast-Error": "no-such-path"})
				}
			}
		},
	},
	{
		"paths",
		"Another path, also one of another version of the protocol, is answered 404, no-such-path.",
		func(s *subject) {
			for _, path := range []string{"/v1", "/v2/records", "/v2/records/YQ", "/v1/record/YQ", "/v1/records.json"} {
				s.fails("GET of "+path, s.send("GET", path, nil, ""), http.StatusNotFound, "no-such-path", "refused")
			}
		},
	},
	{
		"methods",
		"Another method is answered 405, method-not-allowed, with Allow.",
		func(s *subject) {
			for method, path := range map[string]string{"POST": s.newPath(), "PATCH": s.newPath(), "PUT": "/v1/records"} {
				got := s.send(method, path, headers{"Holdfast-Version": "8"}, "")
				s.fails(method, got, http.StatusMethodNotAllowed, "method-not-allowed", "refused")
				if s.err == nil && !strings.Contains(got.header.Get("Allow"), "GET") {
					s.failf("%s: Allow is %q, want GET in it", method, got.header.Get("Allow"))
				}
			}
		},
	},
	{
		"delete-conditional",
		"A DELETE with a precondition is answered 400, bad-request, and deletes nothing.",
		func(s *subject) {
			path := s.newPath()
			s.put(path, "7", "data")
			for _, h := range []headers{{"If-Match": `"7"`}, {"If-Match": `"8"`}, {"If-None-Match": "*"}} {
				s.fails("DELETE", s.send("DELETE", path, h, ""), http.StatusBadRequest, "bad-request", "refused")
			}
			s.holds(path, "7", "data")
		},
	},
}

// wantInvalid leaves it open whether the outcome is named, since the kind implies it.
func (s *subject) wantInvalid(what string, got *answer) {
	s.fails(what, got, http.StatusBadRequest, "invalid-record", got.header.Get("Holdfast-Outcome"))
}
