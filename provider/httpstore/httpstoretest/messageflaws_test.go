package httpstoretest_test

import (
	"bytes"
	"context"
	"io"
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

// A flawedWriter changes the pieces of a stream.
type flawedWriter struct {
	http.ResponseWriter
	change func(piece string) string
}

func (w flawedWriter) Write(piece []byte) (int, error) {
	_, err := io.WriteString(w.ResponseWriter, w.change(string(piece)))
	return len(piece), err
}

func (w flawedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteString keeps io.WriteString from passing the change by.
func (w flawedWriter) WriteString(piece string) (int, error) { return w.Write([]byte(piece)) }

// A messageFlaw changes requests or the pieces of a stream.
type messageFlaw struct {
	noticed string // the rule that must notice it
	request func(r *http.Request)
	piece   func(string) string
	header  func(http.Header)
}

func replacing(old, new string) func(string) string {
	return func(piece string) string { return strings.Replace(piece, old, new, 1) }
}

var messageFlaws = map[string]messageFlaw{
	"a post is lost": {noticed: "message-stream", request: func(r *http.Request) {
		if r.Method == http.MethodPost {
			r.Body = io.NopCloser(strings.NewReader("another message"))
		}
	}},
	"a post is not allowed": {noticed: "message-post", request: func(r *http.Request) {
		if r.Method == http.MethodPost {
			r.Method = http.MethodPut
		}
	}},
	"long messages are cut off": {noticed: "message-invalid", request: func(r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body[:min(len(body), 1024)]))
		}
	}},
	"a put is a post": {noticed: "message-method", request: func(r *http.Request) {
		if r.Method == http.MethodPut {
			r.Method, r.Body = http.MethodPost, io.NopCloser(strings.NewReader("message"))
		}
	}},
	"no token is needed": {noticed: "message-token", request: func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+token)
	}},
	"ready is missing":          {noticed: "message-stream", piece: replacing("event: ready\ndata:\n\n", "")},
	"a message is text":         {noticed: "message-stream", piece: replacing("data: a", "data: ")},
	"messages have an event":    {noticed: "message-stream", piece: replacing("data: aH", "event: message\ndata: H")},
	"there are no comments":     {noticed: "message-stream", piece: replacing(":\n\n", "")},
	"it is no stream of events": {noticed: "message-stream", header: func(h http.Header) { h.Set("Content-Type", "text/plain") }},
}

func serveMessages(t *testing.T, f messageFlaw) string {
	t.Helper()
	h, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.request != nil {
			f.request(r)
		}
		if f.piece != nil {
			w = flawedWriter{w, f.piece}
		}
		if f.header != nil {
			w = flawedHeader{w, f.header}
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A flawedHeader changes the header of an answer.
type flawedHeader struct {
	http.ResponseWriter
	change func(http.Header)
}

func (w flawedHeader) WriteHeader(status int) {
	w.change(w.Header())
	w.ResponseWriter.WriteHeader(status)
}

func (w flawedHeader) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func brokenMessageRules(t *testing.T, url string) (names []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, rule := range httpstoretest.MessageRules() {
		if err := rule.Check(ctx, url, httpstore.Options{Token: token}); err != nil {
			names = append(names, rule.Name)
		}
	}
	return names
}

func TestFlawsOfMessagesAreFound(t *testing.T) {
	for name, f := range messageFlaws {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := brokenMessageRules(t, serveMessages(t, f)); !slices.Contains(got, f.noticed) {
				t.Errorf("it breaks %q, want %s among them", got, f.noticed)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		if got := brokenMessageRules(t, serveMessages(t, messageFlaw{})); len(got) > 0 {
			t.Errorf("a server without a flaw breaks %q", got)
		}
	})
}

// Each rule notices at least one flaw.
func TestEachMessageRuleCanFail(t *testing.T) {
	for _, rule := range httpstoretest.MessageRules() {
		found := false
		for _, f := range messageFlaws {
			found = found || f.noticed == rule.Name
		}
		if !found {
			t.Errorf("no flaw is for the rule %s", rule.Name)
		}
	}
}
