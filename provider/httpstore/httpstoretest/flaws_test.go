package httpstoretest_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/httpstore/httpstoretest"
	"github.com/holdfast-go/holdfast/provider/memory"
)

const token = "token-of-these-tests"

// A flaw changes requests or answers of a server that is right.
type flaw struct {
	noticed string // a rule that must notice it
	request func(*http.Request)
	answer  func(*http.Request, *httptest.ResponseRecorder)
}

// header returns a flaw of an answer's header.
func header(noticed, name, value string) flaw {
	return flaw{noticed: noticed, answer: func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Header().Get(name) != "" {
			w.Header().Set(name, value)
		}
	}}
}

// status returns a flaw of an answer's status.
func status(noticed string, right, wrong int) flaw {
	return flaw{noticed: noticed, answer: func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == right {
			w.Code = wrong
		}
	}}
}

// drop returns a flaw of a server that does not look at a header.
func drop(noticed string, names ...string) flaw {
	return flaw{noticed: noticed, request: func(r *http.Request) {
		for _, name := range names {
			r.Header.Del(name)
		}
	}}
}

// replace returns a flaw of the bodies.
func replace(noticed, old, new string) flaw {
	return flaw{noticed: noticed, answer: func(_ *http.Request, w *httptest.ResponseRecorder) {
		w.Body = bytes.NewBuffer(bytes.ReplaceAll(w.Body.Bytes(), []byte(old), []byte(new)))
	}}
}

var flaws = map[string]flaw{
	"another version of the protocol": header("get", "Holdfast-Protocol", "2"),
	"answers may be cached":           header("get", "Cache-Control", "private"),
	"weak tags":                       header("get", "Etag", `W/"7"`),
	"a wrong expiry":                  header("get", "Holdfast-Expires", "1"),
	"a format that is not encoded":    header("get", "Holdfast-Format", "a b"),
	"another type of data":            header("get", "Content-Type", "text/plain"),
	"an expiry of 0": {noticed: "get-without-expiry-and-format", answer: func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Header().Get("Holdfast-Expires") == "" {
			w.Header().Set("Holdfast-Expires", "0")
		}
	}},
	"HEAD of a missing record succeeds": {noticed: "get-missing", answer: func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.Method == "HEAD" {
			w.Code = 200
		}
	}},
	"a missing record is an empty one": status("get-missing", 404, 200),
	"an error without a kind":          header("get-missing", "Holdfast-Error", ""),
	"a problem without a type":         replace("get-missing", "urn:holdfast:problem:", ""),
	"the expiry is ignored":            drop("expired", "Holdfast-Expires"),
	"If-None-Match is ignored":         drop("create", "If-None-Match"),
	"If-Match is ignored":              drop("replace", "If-Match"),
	"no tag of what was stored": {noticed: "create", answer: func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.Method == "PUT" && w.Code == 200 {
			w.Header().Del("Etag")
		}
	}},
	"a repeated save conflicts": {noticed: "replace", request: func(r *http.Request) {
		if r.Header.Get("If-Match") == `"7"` && r.Header.Get("Holdfast-Version") == "8" && r.ContentLength == 8 {
			*r = *r.WithContext(context.WithValue(r.Context(), again{}, true))
		}
	}, answer: func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.Context().Value(again{}) != nil && repeated.add(r.URL.Path) {
			w.Code = 412
		}
	}},
	"a conflict without the record": {noticed: "create", answer: func(_ *http.Request, w *httptest.ResponseRecorder) {
		if w.Code == 412 {
			w.Body.Reset()
		}
	}},
	"a conflict that says nothing":        header("create", "Holdfast-Current", ""),
	"a conflict that is another status":   status("replace-missing", 412, 409),
	"versions as float64":                 {noticed: "versions", request: func(r *http.Request) { floating(r) }},
	"a stored version of 0 is refused":    {noticed: "put", answer: refuseVersion("0")},
	"a body without a length is refused":  {noticed: "put-chunked", answer: refuseChunked},
	"a DELETE of nothing is an error":     {noticed: "delete", answer: deleteOnce},
	"a DELETE with a condition is done":   drop("delete-conditional", "If-Match", "If-None-Match"),
	"nobody needs a token":                {noticed: "token", request: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }},
	"a wrong token is 403":                status("token", 401, 403),
	"no WWW-Authenticate":                 header("token", "Www-Authenticate", ""),
	"a version that is no number is 1":    {noticed: "bad-put", request: func(r *http.Request) { defaultHeader(r, "Holdfast-Version", "1") }},
	"an expiry that is none is ignored":   {noticed: "bad-put", request: func(r *http.Request) { forgive(r, "Holdfast-Expires", "-1") }},
	"a timeout that is none is ignored":   drop("bad-put", "Holdfast-Timeout"),
	"the outcome is not named":            header("bad-put", "Holdfast-Outcome", ""),
	"an invalid record is a bad request":  header("invalid-record", "Holdfast-Error", "bad-request"),
	"a long format is cut":                {noticed: "invalid-record", request: func(r *http.Request) { cut(r, "Holdfast-Format", 255) }},
	"padding is accepted":                 {noticed: "ids", request: func(r *http.Request) { r.URL.Path = strings.TrimRight(r.URL.Path, "=") }},
	"a path of another version is served": {noticed: "paths", request: func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "/v2/", "/v1/", 1) }},
	"POST is served":                      {noticed: "methods", request: func(r *http.Request) { r.Method = strings.Replace(r.Method, "POST", "PUT", 1) }},
	"no Allow":                            header("methods", "Allow", ""),
	"one page is all":                     replace("list", `"next":`, `"last":`),
	"versions as numbers":                 replace("list", `"version":"`, `"version":`),
	"the prefix is ignored":               {noticed: "list", request: func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "prefix=", "p=", 1) }},
	"an expiry of 0 in a page":            replace("list-without-expiry", `"version"`, `"expires":0,"version"`),
	"an unknown cursor begins anew":       {noticed: "list-bad", request: func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "cursor=none", "", 1) }},
}

type again struct{}

// set counts what is seen for a second time.
type set map[string]bool

func (s set) add(key string) (seen bool) {
	seen = s[key]
	s[key] = true
	return seen
}

var repeated = set{}

func floating(r *http.Request) {
	for _, name := range []string{"Holdfast-Version", "If-Match"} {
		if v := r.Header.Get(name); strings.Contains(v, "9007199254740993") {
			r.Header.Set(name, strings.Replace(v, "9007199254740993", "9007199254740992", 1))
		}
	}
}

func refuseVersion(version string) func(*http.Request, *httptest.ResponseRecorder) {
	return func(r *http.Request, w *httptest.ResponseRecorder) {
		if r.Header.Get("Holdfast-Version") == version {
			w.Code = 400
		}
	}
}

func refuseChunked(r *http.Request, w *httptest.ResponseRecorder) {
	if r.ContentLength < 0 {
		w.Code = 411
	}
}

var deleted = set{}

func deleteOnce(r *http.Request, w *httptest.ResponseRecorder) {
	if r.Method == "DELETE" && deleted.add(r.URL.Path) {
		w.Code = 404
	}
}

func defaultHeader(r *http.Request, name, value string) {
	if r.Header.Get(name) == "" && r.Method == "PUT" {
		r.Header.Set(name, value)
	}
}

func forgive(r *http.Request, name, value string) {
	if r.Header.Get(name) == value {
		r.Header.Del(name)
	}
}

func cut(r *http.Request, name string, n int) {
	if v := r.Header.Get(name); len(v) > n {
		r.Header.Set(name, v[:n])
	}
}

// serve returns the URL of a server with a flaw.
func serve(t *testing.T, f flaw) string {
	t.Helper()
	h, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.request != nil {
			f.request(r)
		}
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		if f.answer != nil {
			f.answer(r, got)
		}
		for name, values := range got.Header() {
			if name != "Content-Length" && values[0] != "" {
				w.Header()[name] = values
			}
		}
		w.WriteHeader(got.Code)
		w.Write(got.Body.Bytes())
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// broken returns the rules that a server breaks.
func broken(t *testing.T, url string) (names []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, rule := range httpstoretest.Rules() {
		if err := rule.Check(ctx, url, httpstore.Options{Token: token}); err != nil {
			names = append(names, rule.Name)
		}
	}
	return names
}

func TestFlawsAreFound(t *testing.T) {
	for name, f := range flaws {
		t.Run(name, func(t *testing.T) {
			if got := broken(t, serve(t, f)); !slices.Contains(got, f.noticed) {
				t.Errorf("it breaks %q, want %s among them", got, f.noticed)
			}
		})
	}
}

func TestNoFlaw(t *testing.T) {
	if got := broken(t, serve(t, flaw{})); len(got) > 0 {
		t.Errorf("a server without a flaw breaks %q", got)
	}
}

// Each rule notices at least one flaw.
func TestEachRuleCanFail(t *testing.T) {
	for _, rule := range httpstoretest.Rules() {
		found := false
		for _, f := range flaws {
			found = found || f.noticed == rule.Name
		}
		if !found {
			t.Errorf("no flaw is for the rule %s", rule.Name)
		}
	}
}
