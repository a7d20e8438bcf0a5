package dynamodb_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A wire is a RoundTripper that keeps a record of the requests and may be cut.
type wire struct {
	mu       sync.Mutex
	requests []request
	fault    fault // nil: none
}

type request struct {
	operation string
	body      string
}

// A fault decides what becomes of the n-th request, counted from 1. It may let it
// through to the server with send.
type fault func(n int, send func() (*http.Response, error)) (*http.Response, error)

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body.Close()
	sent := r.Clone(r.Context())
	sent.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")

	w.mu.Lock()
	w.requests = append(w.requests, request{operation, string(body)})
	n, fault := len(w.requests), w.fault
	w.mu.Unlock()

	send := func() (*http.Response, error) { return transport.RoundTrip(sent) }
	if fault == nil {
		return send()
	}
	return fault(n, send)
}

// reset forgets the requests and mends the wire.
func (w *wire) reset() { w.set(nil) }

// set forgets the requests and sets a fault.
func (w *wire) set(f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.fault = nil, f
}

func (w *wire) operations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, r := range w.requests {
		names = append(names, r.operation)
	}
	return names
}

// last returns the body of the last request.
func (w *wire) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests[len(w.requests)-1].body
}

// carried wants the requests since the last reset to have been these.
func (f *fixture) carried(t *testing.T, want ...string) {
	t.Helper()
	if got := f.wire.operations(); !slices.Equal(got, want) {
		t.Errorf("requests: got %q, want %q", got, want)
	}
}

// cutBefore loses requests, cutAfter their answers.
func cutBefore(int, func() (*http.Response, error)) (*http.Response, error) {
	return nil, errCut
}

func cutAfter(_ int, send func() (*http.Response, error)) (*http.Response, error) {
	resp, err := send()
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	return nil, errCut
}

var errCut = errors.New("connection reset by the test")

// refusing answers the first times requests with an error of the server, and
// lets those after them through.
func refusing(times, status int, code, message string) fault {
	return func(n int, send func() (*http.Response, error)) (*http.Response, error) {
		if n > times {
			return send()
		}
		return answer(status, code, message), nil
	}
}

const always = 1 << 20

func answer(status int, code, message string) *http.Response {
	return &http.Response{
		StatusCode: status,
		ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type":     {"application/x-amz-json-1.0"},
			"X-Amzn-Requestid": {"REQUESTID"},
			"Date":             {time.Now().UTC().Format(http.TimeFormat)},
		},
		Body: io.NopCloser(strings.NewReader(fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":%q}`, code, message))),
	}
}

func TestTrips(t *testing.T) {
	f := newFixture(t)
	rec := newRecord()
	next := successor(rec)
	expired := successor(next)
	expired.ExpiresAt = time.Now().Add(-time.Hour)
	for _, c := range []struct {
		rule string
		do   func() error
		want string
	}{
		{"Fetch of none", func() error { _, _ = f.Fetch(t.Context(), rec.ID); return nil }, "GetItem"},
		{"create", func() error { return f.Save(t.Context(), rec, 0) }, "PutItem"},
		{"create again", func() error { return f.Save(t.Context(), rec, 0) }, "PutItem"},
		{"Fetch", func() error { _, err := f.Fetch(t.Context(), rec.ID); return err }, "GetItem"},
		{"update", func() error { return f.Save(t.Context(), next, rec.Version) }, "PutItem"},
		{"conflict", func() error { _ = f.Save(t.Context(), successor(rec), rec.Version); return nil }, "PutItem"},
		{"unchecked", func() error { return f.Save(t.Context(), next, -1) }, "PutItem"},
		{"update that has expired", func() error { return f.Save(t.Context(), expired, next.Version) }, "DeleteItem"},
		{"Delete", func() error { return f.Delete(t.Context(), rec.ID) }, "DeleteItem"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			f.wire.reset()
			if err := c.do(); err != nil {
				t.Error(err)
			}
			f.carried(t, c.want)
		})
	}
}

func TestReadsAreConsistent(t *testing.T) {
	f := newFixture(t)
	_, _ = f.Fetch(t.Context(), "x")
	if body := f.wire.requests[0].body; !strings.Contains(body, `"ConsistentRead":true`) {
		t.Errorf("GetItem is %s", body)
	}
}

func TestInvalidRecordsAreNotSent(t *testing.T) {
	f := newFixture(t)
	rec := newRecord()
	rec.ID = ""
	_ = f.Save(t.Context(), rec, 0)
	_ = f.Delete(t.Context(), "")
	_, _ = f.Fetch(t.Context(), "")
	rec = newRecord()
	rec.Data = make([]byte, 400<<10)
	_ = f.Save(t.Context(), rec, 0)
	f.carried(t)
}
