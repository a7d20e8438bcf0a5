package httpstoretest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A page is one of a listing, as the protocol has it.
type page struct {
	Records []struct {
		ID      *string         `json:"id"`
		Version *string         `json:"version"`
		Expires json.RawMessage `json:"expires"`
		Format  string          `json:"format"`
		Data    *string         `json:"data"`
	} `json:"records"`
	Next string `json:"next"`
}

var listRules = []rule{
	{
		"list",
		"A listing has every record whose ID begins with the prefix, by pages.",
		func(s *subject) {
			prefix := "httpstoretest-" + rand.Text()
			expires := fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())
			var paths []string
			for i := range 300 {
				paths = append(paths, s.pathOf(fmt.Sprint(prefix, "/é", i)))
				s.wants("PUT", s.send("PUT", paths[i], headers{"Holdfast-Version": fmt.Sprint(int64(1<<53+1) + int64(i)), "Holdfast-Expires": expires, "Holdfast-Format": "%20"}, fmt.Sprint(i, "\xff")), http.StatusOK)
			}
			s.put(s.newPath(), "7", "") // without the prefix
			listed := s.list(prefix)
			for i := range paths {
				id := fmt.Sprint(prefix, "/é", i)
				want := fmt.Sprint(int64(1<<53+1)+int64(i), " ", expires, " ", "  ", i, "\xff")
				if listed[id] != want {
					s.failf("the record is listed as %q, want %q", listed[id], want)
				}
				delete(listed, id)
			}
			if len(listed) > 0 {
				s.failf("%d records are listed that do not have the prefix", len(listed))
			}
		},
	},
	{
		"list-without-expiry",
		"A record that never expires is listed without expires.",
		func(s *subject) {
			prefix := "httpstoretest-" + rand.Text()
			s.put(s.pathOf(prefix), "7", "")
			if got := s.list(prefix)[prefix]; got != "7   " {
				s.failf("the record is listed as %q", got)
			}
		},
	},
	{
		"list-bad",
		"A prefix that is not in base64url is answered 400, bad-request, and an unknown cursor 410, cursor-gone.",
		func(s *subject) {
			s.fails("a listing", s.send("GET", "/v1/records?prefix=a", nil, ""), http.StatusBadRequest, "bad-request", "refused")
			s.fails("a listing", s.send("GET", "/v1/records?cursor=none", nil, ""), http.StatusGone, "cursor-gone", "refused")
		},
	},
}

// list returns the records of all pages, by ID: version, expiry, format and data with
// blanks between them.
func (s *subject) list(prefix string) map[string]string {
	listed := make(map[string]string)
	query := url.Values{"prefix": {encode(prefix)}}
	for s.err == nil {
		got := s.send("GET", "/v1/records?"+query.Encode(), nil, "")
		s.wants("a listing", got, http.StatusOK)
		s.has("a listing", got, headers{"Content-Type": "application/json"})
		var p page
		if err := json.Unmarshal([]byte(got.body), &p); s.err == nil && err != nil {
			s.failf("a page is not as it should be: %w", err)
		}
		for _, r := range p.Records {
			if r.ID == nil || r.Version == nil || r.Data == nil {
				s.failf("a record in a page lacks id, version or data")
				return listed
			}
			data, err := base64.StdEncoding.DecodeString(*r.Data)
			if err != nil {
				s.failf("the data of a record in a page are not in base64: %w", err)
			}
			listed[*r.ID] = strings.Join([]string{*r.Version, string(r.Expires), r.Format, string(data)}, " ")
		}
		if p.Next == "" {
			break
		}
		query.Set("cursor", p.Next)
	}
	return listed
}
