package httpstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

const (
	// heartbeat is the time between two comments in a stream of messages, by which the client
	// knows that the server is there.
	heartbeat = 5 * time.Second

	// streamTimeout is how long the server tries to write a piece of a stream.
	streamTimeout = 30 * time.Second

	// maxDiscard is how much is read of a message that is too long.
	maxDiscard = 256 << 10

	contentStream = "text/event-stream"
	eventReady    = "ready"
	eventError    = "error"
)

// messages serves the path of the messages.
func (h *handler) messages(w http.ResponseWriter, r *http.Request) *failure {
	switch r.Method {
	case http.MethodPost:
		return h.broadcast(w, r)
	case http.MethodGet:
		return h.listen(w, r)
	}
	w.Header().Set("Allow", "GET, POST")
	return refusal(kindNoMethod, "")
}

func (h *handler) broadcast(w http.ResponseWriter, r *http.Request) *failure {
	message, err := io.ReadAll(io.LimitReader(r.Body, provider.MaxMessageLength+1))
	if err != nil {
		return refusal(kindBadRequest, "the body is incomplete")
	}
	if err := provider.ValidateMessage(message); err != nil {
		// A client may lose the answer if the rest is on the way when the connection is closed.
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscard)
		return refusal(kindInvalidMessage, "a message has 1 to 1024 bytes")
	}
	if err := provider.Broadcast(r.Context(), h.store, message); err != nil {
		return storeFailure(err)
	}
	writeDone(w)
	return nil
}

var (
	errClientGone = errors.New("the client does not read the stream")
	errShutdown   = errors.New("the server is shutting down")
)

// listen answers with a stream of messages, which ends with the store's Listen, with the
// client, or with the server. Its header is written when listening has begun.
func (h *handler) listen(w http.ResponseWriter, r *http.Request) *failure {
	ctx, stop := context.WithCancelCause(r.Context())
	defer stop(nil)
	defer context.AfterFunc(h.shutdown.of(r), func() { stop(errShutdown) })()
	s := &stream{w: w, control: http.NewResponseController(w), stop: stop}
	beating, stopBeating := context.WithCancel(ctx)
	var heart sync.WaitGroup
	err := provider.Listen(ctx, h.store, func() {
		s.begin()
		heart.Go(func() { s.beat(beating, h.heartbeat) })
	}, s.message)
	stopBeating()
	heart.Wait()
	if cause := context.Cause(ctx); r.Context().Err() == nil && cause != nil {
		err = cause
	}
	if !s.begun {
		return storeFailure(err)
	}
	s.end(err)
	return nil
}

// A stream is an answer in the form of server-sent events.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	stop    context.CancelCauseFunc
	begun   bool

	mu sync.Mutex
}

// begin writes the header, and the event that says that listening has begun: a proxy may
// pass on a header later than a body.
func (s *stream) begin() {
	s.begun = true
	_ = s.control.SetReadDeadline(time.Time{}) // a ReadTimeout is for the request
	header := s.w.Header()
	header.Set("Content-Type", contentStream)
	header.Set("X-Accel-Buffering", "no") // or nginx collects what it passes on
	s.w.WriteHeader(http.StatusOK)
	s.write("event: " + eventReady + "\ndata:\n\n")
}

func (s *stream) message(message []byte) {
	s.write("data: " + base64.StdEncoding.EncodeToString(message) + "\n\n")
}

// beat writes comments until ctx ends.
func (s *stream) beat(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.write(":\n\n")
		case <-ctx.Done():
			return
		}
	}
}

// end says why the stream ends.
func (s *stream) end(err error) {
	f := storeFailure(err)
	text, err := json.Marshal(f.problem())
	if err != nil {
		panic("httpstore: a problem cannot be encoded: " + err.Error())
	}
	s.write("event: " + eventError + "\ndata: " + string(text) + "\n\n")
}

// write sends a piece of the stream at once. A WriteTimeout of the server would be for the
// whole stream, so each piece has a time of its own.
func (s *stream) write(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.control.SetWriteDeadline(time.Now().Add(streamTimeout))
	_, err := io.WriteString(s.w, text)
	if flushErr := s.control.Flush(); err == nil {
		err = flushErr
	}
	if err != nil {
		s.stop(errClientGone)
	}
}

// shutdowns are contexts that end when a server begins to shut down, which would wait for
// the streams otherwise.
type shutdowns struct {
	mu       sync.Mutex
	contexts map[*http.Server]context.Context
}

// of returns the context of the server that serves a request.
func (s *shutdowns) of(r *http.Request) context.Context {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return context.Background()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.contexts == nil {
		s.contexts = make(map[*http.Server]context.Context)
	}
	if s.contexts[server] == nil {
		ctx, end := context.WithCancel(context.Background())
		server.RegisterOnShutdown(end)
		s.contexts[server] = ctx
	}
	return s.contexts[server]
}
