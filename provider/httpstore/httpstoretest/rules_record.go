package httpstoretest

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"
)

var recordRules = []rule{
	{
		"get",
		"GET answers 200 with the data as the body, and version, expiry and format in the headers.",
		func(s *subject) {
			path := s.newPath()
			expires := fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())
			s.wants("PUT", s.send("PUT", path, headers{"Holdfast-Version": "7", "Holdfast-Expires": expires, "Holdfast-Format": "a%20%E2%9C%93%25"}, "\x00data\xff"), http.StatusOK)
			for _, method := range []string{"GET", "HEAD"} {
				got := s.send(method, path, nil, "")
				s.wants(method, got, http.StatusOK)
				s.has(method, got, headers{
					"Etag": `"7"`, "Holdfast-Expires": expires, "Holdfast-Format": "a%20%E2%9C%93%25",
					"Content-Type": "application/octet-stream", "Holdfast-Error": "", "Holdfast-Outcome": "",
				})
				if want := "\x00data\xff"; method == "GET" && got.body != want {
					s.failf("GET: the body is %q, want %q", got.body, want)
				}
				if method == "HEAD" && got.body != "" {
					s.failf("HEAD: the answer has a body")
				}
			}
		},
	},
	{
		"get-without-expiry-and-format",
		"A record that never expires has no Holdfast-Expires, and one with an empty format no Holdfast-Format.",
		func(s *subject) {
			path := s.newPath()
			s.put(path, "7", "")
			got := s.send("GET", path, nil, "")
			s.wants("GET", got, http.StatusOK)
			s.has("GET", got, headers{"Holdfast-Expires": "", "Holdfast-Format": ""})
		},
	},
	{
		"get-missing",
		"GET and HEAD of a record that is not there answer 404, not-found.",
		func(s *subject) {
			path := s.newPath()
			s.lacks(path)
			got := s.send("HEAD", path, nil, "")
			s.wants("HEAD", got, http.StatusNotFound)
			s.has("HEAD", got, headers{"Holdfast-Error": "not-found"})
		},
	},
	{
		"expired",
		"A record that has expired when it is stored is not there afterwards, and neither is the one before it.",
		func(s *subject) {
			path := s.newPath()
			s.put(path, "7", "data")
			s.wants("PUT", s.send("PUT", path, headers{"Holdfast-Version": "8", "Holdfast-Expires": "1"}, ""), http.StatusOK)
			s.lacks(path)
		},
	},
	{
		"create",
		"PUT with If-None-Match: * stores a record if there is none, and answers 200 with its tag.",
		func(s *subject) {
			path := s.newPath()
			create := headers{"Holdfast-Version": "7", "If-None-Match": "*"}
			got := s.send("PUT", path, create, "data")
			s.wants("PUT", got, http.StatusOK)
			s.has("PUT", got, headers{"Etag": `"7"`})
			s.wants("the same PUT again", s.send("PUT", path, create, "data"), http.StatusOK)
			s.conflicts(path, headers{"Holdfast-Version": "8", "If-None-Match": "*"}, `"7"`)
			s.holds(path, "7", "data")
		},
	},
	{
		"replace",
		"PUT with If-Match stores a record in place of the one with that tag, and answers 200 with its tag.",
		func(s *subject) {
			path := s.newPath()
			s.put(path, "7", "data")
			replace := headers{"Holdfast-Version": "8", "If-Match": `"7"`}
			got := s.send("PUT", path, replace, "new data")
			s.wants("PUT", got, http.StatusOK)
			s.has("PUT", got, headers{"Etag": `"8"`})
			s.wants("the same PUT again", s.send("PUT", path, replace, "new data"), http.StatusOK)
			s.conflicts(path, headers{"Holdfast-Version": "9", "If-Match": `"7"`}, `"8"`)
			s.holds(path, "8", "new data")
		},
	},
	{
		"replace-missing",
		"PUT with If-Match of a record that is not there is a conflict with none.",
		func(s *subject) {
			path := s.newPath()
			s.conflicts(path, headers{"Holdfast-Version": "8", "If-Match": `"7"`}, "")
			s.lacks(path)
		},
	},
	{
		"put",
		"PUT without a precondition stores the record always, also with a version that is not positive.",
		func(s *subject) {
			path := s.newPath()
			for _, version := range []string{"7", "3", "0", "-5", fmt.Sprint(int64(math.MinInt64))} {
				s.put(path, version, version)
				s.holds(path, version, version)
			}
		},
	},
	{
		"versions",
		"Versions have 64 bits, all of which count.",
		func(s *subject) {
			path := s.newPath()
			for _, version := range []int64{1<<53 + 1, math.MaxInt64} {
				s.put(path, fmt.Sprint(version), "data")
				s.holds(path, fmt.Sprint(version), "data")
				s.conflicts(path, headers{"Holdfast-Version": "5", "If-Match": fmt.Sprintf("\"%d\"", version-1)}, fmt.Sprintf("\"%d\"", version))
			}
		},
	},
	{
		"put-chunked",
		"The body of a PUT may have no Content-Length.",
		func(s *subject) {
			path, data := s.newPath(), strings.Repeat("data", 1000)
			req, err := http.NewRequestWithContext(s.ctx, "PUT", s.url+path, io.MultiReader(strings.NewReader(data)))
			if err != nil {
				s.failf("%w", err)
				return
			}
			req.Header.Set("Holdfast-Version", "7")
			if s.token != "" {
				req.Header.Set("Authorization", "Bearer "+s.token)
			}
			s.wants("PUT", s.exchange(req), http.StatusOK)
			s.holds(path, "7", data)
		},
	},
	{
		"delete",
		"DELETE answers 200, whether there was a record or not.",
		func(s *subject) {
			path := s.newPath()
			s.put(path, "7", "data")
			for range 2 {
				s.wants("DELETE", s.send("DELETE", path, nil, ""), http.StatusOK)
				s.lacks(path)
			}
		},
	},
}

// conflicts wants a PUT to be answered 412, with the record of a tag, or with none if tag
// is empty, unless the server says that it does not know.
func (s *subject) conflicts(path string, h headers, tag string) {
	got := s.send("PUT", path, h, "other data")
	s.wants("PUT", got, http.StatusPreconditionFailed)
	s.has("PUT", got, headers{"Holdfast-Error": "conflict", "Holdfast-Outcome": ""})
	switch current := got.header.Get("Holdfast-Current"); {
	case s.err != nil || current == "unknown":
	case tag == "" && current != "none", tag != "" && current != "record":
		s.failf("PUT: Holdfast-Current is %q", current)
	case tag != "":
		s.has("PUT", got, headers{"Etag": tag, "Content-Type": "application/octet-stream"})
		if stored := s.send("GET", path, nil, ""); stored.body != got.body {
			s.failf("PUT: the body of the answer is %q, want %q", got.body, stored.body)
		}
	}
}
