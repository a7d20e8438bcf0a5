package httpstoretest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/holdfast-go/holdfast/provider/httpstore"
)

type rule struct {
	name, doc string
	check     func(*subject)
}

func (r rule) run(ctx context.Context, url string, options httpstore.Options) error {
	transport := &http.Transport{TLSClientConfig: options.TLS.Clone(), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	s := &subject{ctx: ctx, url: strings.TrimRight(url, "/"), token: options.Token, transport: transport}
	defer s.cleanUp()
	r.check(s)
	return s.err
}

// A subject is the server that a rule is checked on. The first step that fails sets err,
// and later ones do nothing.
type subject struct {
	ctx       context.Context
	url       string
	token     string
	transport *http.Transport
	paths     []string // to be deleted
	err       error
}

func (s *subject) failf(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

func (s *subject) cleanUp() {
	failed := s.err
	s.ctx = context.WithoutCancel(s.ctx)
	for _, path := range s.paths {
		s.err = nil
		s.send("DELETE", path, nil, "")
	}
	s.err = failed
}

// newPath returns the path of a record that nobody else uses.
func (s *subject) newPath() string { return s.pathOf("httpstoretest-" + rand.Text()) }

func (s *subject) pathOf(id string) string {
	path := "/v1/records/" + encode(id)
	s.paths = append(s.paths, path)
	return path
}

func encode(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// headers are names and values. An empty value removes what send would set.
type headers map[string]string

// An answer is a response with its body.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a request with the token.
func (s *subject) send(method, path string, h headers, body string) *answer {
	none := &answer{header: http.Header{}}
	if s.err != nil {
		return none
	}
	req, err := http.NewRequestWithContext(s.ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.failf("%s: %w", method, err)
		return none
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	for name, value := range h {
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	return s.exchange(req)
}

func (s *subject) exchange(req *http.Request) *answer {
	got := &answer{header: http.Header{}}
	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		s.failf("%s: %w", req.Method, err)
		return got
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.failf("%s: the body of the answer: %w", req.Method, err)
	}
	got = &answer{resp.StatusCode, resp.Header, string(data)}
	if v := got.header.Get("Holdfast-Protocol"); v != "1" {
		s.failf("%s, answer %d: Holdfast-Protocol is %q, want 1", req.Method, got.status, v)
	}
	if v := got.header.Get("Cache-Control"); !strings.Contains(v, "no-store") {
		s.failf("%s, answer %d: Cache-Control is %q, want no-store in it", req.Method, got.status, v)
	}
	return got
}

// wants wants an answer of a status.
func (s *subject) wants(what string, got *answer, status int) {
	if s.err == nil && got.status != status {
		s.failf("%s: answer %d %s, want %d", what, got.status, got.header.Get("Holdfast-Error"), status)
	}
}

// has wants an answer to have these headers; an empty value: it must be absent.
func (s *subject) has(what string, got *answer, h headers) {
	for name, want := range h {
		if v := got.header.Get(name); s.err == nil && v != want {
			s.failf("%s: %s is %q, want %q", what, name, v, want)
		}
	}
}

// fails wants an answer to be an error, in headers and body.
func (s *subject) fails(what string, got *answer, status int, kind, outcome string) {
	s.wants(what, got, status)
	s.has(what, got, headers{"Holdfast-Error": kind, "Holdfast-Outcome": outcome, "Content-Type": "application/problem+json"})
	var problem struct {
		Type, Title, Kind, Outcome string
		Status                     int
	}
	if err := json.Unmarshal([]byte(got.body), &problem); s.err == nil && err != nil {
		s.failf("%s: the body is not JSON", what)
	}
	if s.err == nil && (problem.Type != "urn:holdfast:problem:"+kind || problem.Title == "" || problem.Status != status || problem.Kind != kind || problem.Outcome != outcome) {
		s.failf("%s: the problem is %s", what, got.body)
	}
}

// put stores a record, without a precondition.
func (s *subject) put(path, version, body string) {
	s.wants("PUT", s.send("PUT", path, headers{"Holdfast-Version": version}, body), http.StatusOK)
}

// lacks wants no record to be stored.
func (s *subject) lacks(path string) {
	s.fails("GET of a record that is not there", s.send("GET", path, nil, ""), http.StatusNotFound, "not-found", "")
}

// holds wants a record to be stored.
func (s *subject) holds(path, version, body string) {
	got := s.send("GET", path, nil, "")
	s.wants("GET", got, http.StatusOK)
	s.has("GET", got, headers{"Etag": `"` + version + `"`})
	if s.err == nil && got.body != body {
		s.failf("GET: the body is %q, want %q", got.body, body)
	}
}
