package httpstore

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider/internal/listening"
)

// silence is how long nothing may arrive in a stream of messages, of which the server sends
// something every 5 seconds.
const silence = 12 * time.Second

// maxStreamLine limits a line of a stream: a message in base64, or a problem.
const maxStreamLine = 16 << 10

var (
	errSilent    = errors.New("httpstore: the server does not answer any more; the connection is given up")
	errStreamEnd = errors.New("httpstore: the server has ended the stream of messages")
)

// Listen implements provider.Broadcaster. It uses a connection of its own, beside
// Options.MaxConns. It finds a server that has vanished within 12 seconds. It ends if 1,024
// messages wait for heard and another one arrives, here or in the server.
func (p *Provider) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return listening.Listen(ctx, "httpstore", ready, heard, p.receive)
}

// receive is a listening.Receiver.
func (p *Provider) receive(ctx context.Context, begin func(), deliver func([]byte)) error {
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watchdog := time.AfterFunc(p.silence, func() { stop(errSilent) })
	defer watchdog.Stop()
	err := p.stream(reading, func() { watchdog.Reset(p.silence) }, begin, deliver)
	if context.Cause(reading) == errSilent {
		return errSilent
	}
	return err
}

// stream requests a stream and reads it to its end. It never returns nil. It calls alive
// with every sign of the server.
func (p *Provider) stream(ctx context.Context, alive, begin func(), deliver func([]byte)) error {
	req, err := p.request(ctx, call{method: http.MethodGet, path: messagesPath})
	if err != nil {
		return errURL
	}
	resp, err := p.streams.RoundTrip(req)
	if err != nil {
		return explain(ctx, err, true)
	}
	defer resp.Body.Close()
	alive()
	if err := checkProtocol(resp); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		body, err := readBody(resp)
		if err != nil {
			return explain(ctx, err, true)
		}
		return (&answer{resp.StatusCode, resp.Header.Get(headerError), resp.Header, body}).messageFailure()
	}
	if content, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); content != contentStream {
		return errGarbled
	}
	return readEvents(ctx, resp.Body, alive, begin, deliver)
}

// readEvents reads events until the stream ends.
func readEvents(ctx context.Context, body io.Reader, alive, begin func(), deliver func([]byte)) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxStreamLine)
	begun, event := false, ""
	for lines.Scan() {
		alive()
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "": // the end of an event
			event = ""
		case name == "event":
			event = value
		case name == "data" && event == eventReady && !begun:
			begun = true
			begin()
		case name == "data" && event == eventError:
			return streamFailure(value)
		case name == "data" && event == "":
			message, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return errGarbled
			}
			deliver(message)
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return errGarbled
	case err != nil:
		return explain(ctx, err, true)
	}
	return errStreamEnd
}

// streamFailure returns the error that the server has reported as the last event.
func streamFailure(problem string) error {
	a := &answer{status: http.StatusInternalServerError, header: make(http.Header), body: []byte(problem)}
	a.kind = a.problemKind()
	return a.failure("")
}
