package httpstore

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// A call is a request to the server.
type call struct {
	method string
	path   string // and query
	header http.Header
	data   []byte
}

// An answer is a response of a server of the protocol. Its kind is empty if it reports no
// error.
type answer struct {
	status int
	kind   string
	header http.Header
	body   []byte
}

const (
	maxAnswer  = 1 << 30
	maxRepeats = 10 // of a GET whose connection another call has closed
)

// call makes one request. The error of one that may have been sent leaves the outcome
// open.
//
// The transport itself repeats a GET over another connection if one that was idle turns
// out to be broken. It repeats a PUT or a DELETE only if nothing of it was written, or if
// an HTTP/2 server has said that it has not processed it.
func (p *Provider) call(ctx context.Context, c call) (*answer, error) {
	sent := new(atomic.Bool)
	req, err := p.request(traced(ctx, sent), c)
	if err != nil {
		return nil, outcome.Refused(errURL)
	}
	resp, err := p.transport.RoundTrip(req)
	for range maxRepeats {
		if err == nil || c.method != http.MethodGet || !isForeign(ctx, err) {
			break
		}
		resp, err = p.transport.RoundTrip(req)
	}
	if err != nil {
		return nil, explain(ctx, err, sent.Load())
	}
	defer resp.Body.Close()
	body, bodyErr := readBody(resp)
	if err := checkProtocol(resp); err != nil {
		return nil, err
	}
	if bodyErr != nil {
		return nil, explain(ctx, bodyErr, true)
	}
	return &answer{resp.StatusCode, resp.Header.Get(headerError), resp.Header, body}, nil
}

// request does not use net/http.Client, which would follow redirects and quote the URL in
// errors.
func (p *Provider) request(ctx context.Context, c call) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, c.method, p.base+c.path, http.NoBody)
	if err != nil {
		return nil, err
	}
	if c.header != nil {
		req.Header = c.header
	}
	if len(c.data) > 0 {
		req.GetBody = dataReader(c.data)
		req.Body, _ = req.GetBody()
		req.ContentLength = int64(len(c.data))
	}
	if len(c.data) > expectContinueSize {
		req.Header.Set("Expect", "100-continue")
	}
	if p.header != "" {
		req.Header.Set("Authorization", p.header)
	}
	if left, ok := millisLeft(ctx); ok {
		req.Header.Set(headerTimeout, strconv.FormatInt(left, 10))
	}
	req.Header.Set("User-Agent", "holdfast-httpstore/"+protocolVersion)
	return req, nil
}

// traced returns a context for a request that sets sent as soon as something of it may
// have been sent.
func traced(ctx context.Context, sent *atomic.Bool) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The transport looks for a connection a second time only if nothing was written to
		// the first one.
		GetConn: func(string) { sent.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
}

// millisLeft returns the time until the deadline, rounded up, so that the server does not
// give up before the client.
func millisLeft(ctx context.Context) (int64, bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0, false
	}
	return max(1, int64((time.Until(deadline)+time.Millisecond-1)/time.Millisecond)), true
}

var errBounds = errors.New("it cannot be seen where the answer ends, or it is over 1 GiB long")

// readBody reads to the end, also so that the connection can be used again.
func readBody(resp *http.Response) ([]byte, error) {
	switch {
	case resp.ContentLength > maxAnswer, endsWithConnection(resp):
		return nil, errBounds
	case resp.ContentLength > 0:
		body := make([]byte, resp.ContentLength)
		_, err := io.ReadFull(resp.Body, body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
}

// endsWithConnection reports whether a body that was cut off would look like a whole one.
func endsWithConnection(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && resp.ContentLength < 0 && !slices.Contains(resp.TransferEncoding, "chunked")
}
