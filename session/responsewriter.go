package session

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
)

// responseWriter is the http.ResponseWriter of a handler, one for each run. It commits
// the session before the first byte of the header is sent, so that an error response and
// a cookie are still possible. http.ResponseController finds other methods of the
// server's writer through Unwrap.
type responseWriter struct {
	raw       http.ResponseWriter
	req       *requestState
	ctx       handlerContext
	entry     http.Header   // a copy from when the handler was called
	inner     *http.Request // that next was given, with the pattern that a ServeMux has set
	routed    bool          // the pattern was set before
	outermost bool          // no other writer of the request is around this one
	sent      bool          // the header is on its way
	err       error         // why the handler's response will not be sent
}

var (
	_ http.ResponseWriter = (*responseWriter)(nil)
	_ http.Flusher        = (*responseWriter)(nil)
	_ http.Hijacker       = (*responseWriter)(nil)
	_ io.ReaderFrom       = (*responseWriter)(nil)
	_ io.StringWriter     = (*responseWriter)(nil)
)

// start initializes rw for one run of a handler that answers to raw.
func (rw *responseWriter) start(p *requestState, raw http.ResponseWriter, r *http.Request, outermost bool) {
	rw.raw, rw.req, rw.outermost = raw, p, outermost
	rw.ctx.Context, rw.ctx.writer = r.Context(), rw
	rw.routed = r.Pattern != ""
	if h := raw.Header(); len(h) > 0 {
		rw.entry = h.Clone()
	}
}

// serve calls next and commits the remaining changes. A panic commits nothing.
func (rw *responseWriter) serve(next http.Handler, r *http.Request) {
	rw.inner = r
	returned := false
	defer func() {
		rw.ctx.stop(context.Canceled)
		if !returned && rw.err != nil {
			// A ReverseProxy aborts when a Write fails; the response for this
			// failure is still to be sent.
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				panic(v)
			}
		}
		if !returned && rw.err == nil {
			rw.panicked()
		}
	}()
	next.ServeHTTP(rw, r)
	if rw.err == nil {
		rw.finish()
	}
	returned = true
}

func (rw *responseWriter) finish() {
	if !rw.sent && !rw.bypassed() {
		_ = rw.begin(http.StatusOK)
		return
	}
	if err := rw.req.commit(0, rw.inner.Pattern); err != nil && rw.req.unsaved() {
		rw.req.m.cfg.Logger.Error("session: changes made after the response began are lost",
			slog.String("public_id", rw.req.publicID()), slog.Any("error", err))
	}
}

// panicked drops the pending changes; changes that an explicit Save has committed stay.
func (rw *responseWriter) panicked() {
	rw.req.dropChanges(panicked)
	if !rw.sent {
		rw.req.writeToken(rw.raw.Header())
	}
}

// begin commits before a header of this status is sent.
func (rw *responseWriter) begin(status int) error {
	if rw.err != nil || rw.sent {
		return rw.err
	}
	if err := rw.req.commit(status, rw.inner.Pattern); err != nil {
		rw.fail(err)
		return err
	}
	rw.req.writeToken(rw.raw.Header())
	rw.req.leaveQueue() // the response may take as long as it likes
	return nil
}

// bypassed reports whether the handler has answered through another ResponseWriter than
// rw, as far as an outer writer reports it, as those of gin and negroni do. The header
// has then been sent without the cookie.
func (rw *responseWriter) bypassed() bool {
	if !written(rw.raw) {
		return false
	}
	rw.markHeaderSent()
	rw.req.headerSent.Store(true)
	if m := rw.req.m; rw.req.stage.Load() >= asked && !m.warnedOfBypass.Swap(true) {
		m.cfg.Logger.Error("session: the handler answered through another ResponseWriter than the one that Manager.Handler passed to it: " +
			"the session is saved too late, and no cookie is set; put Handler around the router; " +
			"see \"Routers and frameworks\" in the documentation of package session")
	}
	return true
}

// written reports whether w or a writer that it wraps says that it has sent the header.
func written(w http.ResponseWriter) bool {
	for {
		if teller, ok := w.(interface{ Written() bool }); ok && teller.Written() {
			return true
		}
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = outer.Unwrap()
	}
}

// fail ends the run with err: nothing more of its response is sent.
func (rw *responseWriter) fail(err error) {
	rw.err = err
	rw.ctx.stop(err)
}

// markHeaderSent records that the header has been sent. A later conflict is not replayed.
func (rw *responseWriter) markHeaderSent() {
	rw.sent = true
	rw.req.runsAgain.Store(false)
	if rw.outermost {
		rw.req.headerSent.Store(true)
	}
}

// restoreHeader resets the header map to its content before the handler, in place: outer
// handlers use the same map. It must be called only once, because the map then shares the
// slices of entry.
func (rw *responseWriter) restoreHeader() {
	h := rw.raw.Header()
	clear(h)
	maps.Copy(h, rw.entry)
}

// Header implements http.ResponseWriter.
func (rw *responseWriter) Header() http.Header { return rw.raw.Header() }

// Unwrap is for http.ResponseController.
func (rw *responseWriter) Unwrap() http.ResponseWriter { return rw.raw }

// WriteHeader implements http.ResponseWriter.
func (rw *responseWriter) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		if rw.err == nil {
			rw.raw.WriteHeader(status)
		}
		return
	}
	if rw.begin(status) != nil {
		return
	}
	rw.markHeaderSent()
	rw.raw.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (rw *responseWriter) Write(b []byte) (int, error) {
	if err := rw.begin(http.StatusOK); err != nil {
		return 0, err
	}
	rw.markHeaderSent()
	return rw.raw.Write(b)
}

// WriteString implements io.StringWriter.
func (rw *responseWriter) WriteString(s string) (int, error) {
	if err := rw.begin(http.StatusOK); err != nil {
		return 0, err
	}
	rw.markHeaderSent()
	return io.WriteString(rw.raw, s)
}

// ReadFrom implements io.ReaderFrom, which lets net/http use sendfile. An empty
// src sends no header.
func (rw *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	if err := rw.begin(http.StatusOK); err != nil {
		return 0, err
	}
	defer rw.headerOnItsWay()()
	n, err := copyTo(rw.raw, src)
	if n > 0 {
		rw.markHeaderSent()
	}
	return n, err
}

// headerOnItsWay makes the header count as sent until the returned function is called.
// From then on it counts as sent only if it was.
func (rw *responseWriter) headerOnItsWay() (decide func()) {
	if rw.outermost {
		rw.req.headerSent.Store(true)
	}
	rw.req.runsAgain.Store(false)
	return func() {
		if rw.outermost {
			rw.req.headerSent.Store(rw.sent)
		}
	}
}

func copyTo(w http.ResponseWriter, src io.Reader) (int64, error) {
	if rf, ok := w.(io.ReaderFrom); ok {
		return rf.ReadFrom(src)
	}
	return io.Copy(struct{ io.Writer }{w}, src)
}

// Flush implements http.Flusher.
func (rw *responseWriter) Flush() { _ = rw.FlushError() }

// FlushError is for http.ResponseController.
func (rw *responseWriter) FlushError() error {
	if err := rw.begin(http.StatusOK); err != nil {
		return err
	}
	defer rw.headerOnItsWay()()
	err := http.NewResponseController(rw.raw).Flush()
	if !errors.Is(err, http.ErrNotSupported) {
		rw.markHeaderSent()
	}
	return err
}

// CloseNotify is for code that asserts the deprecated http.CloseNotifier, as gin's
// Context.Stream does.
func (rw *responseWriter) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(&rw.ctx, func() { gone <- true })
	return gone
}

// Hijack implements http.Hijacker. A token to be sent stays in the header map; the caller
// must send it.
func (rw *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := rw.begin(http.StatusSwitchingProtocols); err != nil {
		return nil, nil, err
	}
	conn, buf, err := http.NewResponseController(rw.raw).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if !rw.sent && rw.req.toSend() != nil {
		rw.req.m.cfg.Logger.Warn("session: connection hijacked with a token to be sent; it is in the header map, and is lost unless the hijacking handler sends it",
			slog.String("public_id", rw.req.publicID()))
	}
	rw.markHeaderSent()
	return conn, buf, nil
}
