package httpstoretest

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider/httpstore"
)

const messagesPath = "/v1/messages"

// messageRules are the rules of a server that has messages.
var messageRules = []rule{
	{
		"message-post",
		"A message is posted, and answered with 200.",
		func(s *subject) {
			got := s.send("POST", messagesPath, nil, "httpstoretest-"+rand.Text())
			s.wants("POST", got, http.StatusOK)
			if s.err == nil && got.body == "" {
				s.failf("POST: the answer has no body")
			}
		},
	},
	{
		"message-invalid",
		"A message that is empty or longer than 1024 bytes is refused with invalid-message.",
		func(s *subject) {
			for _, message := range []string{"", strings.Repeat("x", 1025), strings.Repeat("x", 100_000)} {
				s.fails("POST", s.send("POST", messagesPath, nil, message), http.StatusBadRequest, "invalid-message", "refused")
			}
			s.wants("POST", s.send("POST", messagesPath, nil, strings.Repeat("\xff", 1024)), http.StatusOK)
		},
	},
	{
		"message-method",
		"Other methods are answered with 405 and Allow.",
		func(s *subject) {
			for _, method := range []string{"PUT", "DELETE", "PATCH"} {
				got := s.send(method, messagesPath, nil, "")
				s.fails(method, got, http.StatusMethodNotAllowed, "method-not-allowed", "refused")
				if allow := got.header.Get("Allow"); s.err == nil && (!strings.Contains(allow, "GET") || !strings.Contains(allow, "POST")) {
					s.failf("%s: Allow is %q", method, allow)
				}
			}
		},
	},
	{
		"message-token",
		"Posting and listening need the token.",
		func(s *subject) {
			if s.token == "" {
				return
			}
			for _, method := range []string{"POST", "GET"} {
				got := s.send(method, messagesPath, headers{"Authorization": "Bearer not-the-token-of-the-server"}, "message")
				s.fails(method, got, http.StatusUnauthorized, "unauthorized", "refused")
			}
		},
	},
	{
		"message-stream",
		"A stream begins with the event ready, has each message that is posted after it in base64, and a comment at least every 5 seconds.",
		func(s *subject) {
			lines, end := s.openStream()
			if s.err != nil {
				return
			}
			defer end()
			if event := lines.next(s); event != "event: ready" {
				s.failf("the stream begins with %q, want the event ready", event)
			}
			for _, message := range []string{"httpstoretest-" + rand.Text(), "httpstoretest-\x00\xff\r\n" + rand.Text()} {
				s.wants("POST", s.send("POST", messagesPath, nil, message), http.StatusOK)
				want := "data: " + base64.StdEncoding.EncodeToString([]byte(message))
				lines.await(s, "a message", func(line string) bool { return line == want })
			}
			lines.await(s, "a comment", func(line string) bool { return strings.HasPrefix(line, ":") })
		},
	},
}

// A lineReader has the lines of a stream.
type lineReader struct{ lines chan string }

// next returns the next line of a stream. It wants one within twice the time between two
// comments, and a bound for a busy machine.
func (l lineReader) next(s *subject) string {
	if s.err != nil {
		return ""
	}
	select {
	case line, ok := <-l.lines:
		if !ok {
			s.failf("the stream has ended")
		}
		return line
	case <-time.After(2*5*time.Second + 10*time.Second):
		s.failf("nothing arrives in the stream")
		return ""
	}
}

// maxLines is how many lines may come before one that is waited for, such as messages of
// other clients. Comments have two lines.
const maxLines = 100

// maxComments is how many comments may come before a message that was posted.
const maxComments = 3

// await wants one of the next lines to be such.
func (l lineReader) await(s *subject, what string, is func(line string) bool) {
	comments := 0
	for range maxLines {
		line := l.next(s)
		if s.err != nil || is(line) {
			return
		}
		if strings.HasPrefix(line, ":") {
			comments++
		}
		if comments == maxComments {
			break
		}
	}
	s.failf("%s does not arrive in the stream", what)
}

// openStream begins to listen.
func (s *subject) openStream() (lineReader, func()) {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.url+messagesPath, nil)
	if err != nil {
		s.failf("GET: %w", err)
		return lineReader{}, nil
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := s.transport.RoundTrip(req)
	if err != nil {
		s.failf("GET: %w", err)
		return lineReader{}, nil
	}
	got := &answer{status: resp.StatusCode, header: resp.Header}
	s.wants("GET", got, http.StatusOK)
	s.has("GET", got, headers{"Holdfast-Protocol": "1"})
	if content := got.header.Get("Content-Type"); s.err == nil && !strings.HasPrefix(content, "text/event-stream") {
		s.failf("GET: Content-Type is %q, want text/event-stream", content)
	}
	if control := got.header.Get("Cache-Control"); s.err == nil && !strings.Contains(control, "no-store") {
		s.failf("GET: Cache-Control is %q, want no-store in it", control)
	}
	lines := lineReader{make(chan string, 1000)}
	go func() {
		defer close(lines.lines)
		for scanner := bufio.NewScanner(resp.Body); scanner.Scan(); {
			lines.lines <- scanner.Text()
		}
	}()
	return lines, func() { resp.Body.Close() }
}

// hasMessages reports whether the server has messages.
func hasMessages(t *testing.T, url string, options httpstore.Options) (has bool) {
	t.Helper()
	ask := rule{check: func(s *subject) {
		got := s.send("POST", messagesPath, nil, "httpstoretest-"+rand.Text())
		has = !slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, got.status)
	}}
	if err := ask.run(t.Context(), url, options); err != nil {
		t.Error(err)
	}
	return has
}
