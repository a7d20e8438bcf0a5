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

// run is one run of a handler. It is the http.ResponseWriter that the handler
// gets: it commits the session before the first byte of the header goes out, so
// that an error can still be told and a cookie still be set. What it does not
// know, http.ResponseController finds through Unwrap.
type run struct {
	raw       http.ResponseWriter
	pass      *passage
	ctx       runContext
	entry     http.Header // as it was when the handler was called
	outermost bool        // no other run of the passage is around this one
	sent      bool        // the header is on its way
	err       error       // why the handler's response will not be sent
}

var (
	_ http.ResponseWriter = (*run)(nil)
	_ http.Flusher        = (*run)(nil)
	_ http.Hijacker       = (*run)(nil)
	_ io.ReaderFrom       = (*run)(nil)
	_ io.StringWriter     = (*run)(nil)
)

// start sets rn up for one run of a handler that answers to raw.
func (rn *run) start(p *passage, raw http.ResponseWriter, r *http.Request, outermost bool) {
	rn.raw, rn.pass, rn.outermost = raw, p, outermost
	rn.ctx.Context, rn.ctx.run = r.Context(), rn
	if h := raw.Header(); len(h) > 0 {
		rn.entry = h.Clone()
	}
}

// serve calls next and commits what it has left to commit. A panic commits
// nothing.
func (rn *run) serve(next http.Handler, r *http.Request) {
	returned := false
	defer func() {
		rn.ctx.stop(context.Canceled)
		if !returned && rn.err != nil {
			// A ReverseProxy aborts when a Write fails; the answer to why it
			// failed is still to come.
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				panic(v)
			}
		}
		if !returned && rn.err == nil {
			rn.panicked()
		}
	}()
	next.ServeHTTP(rn, r)
	if rn.err == nil {
		rn.finish()
	}
	returned = true
}

func (rn *run) finish() {
	if !rn.sent && !rn.bypassed() {
		_ = rn.begin(http.StatusOK)
		return
	}
	if err := rn.pass.commit(0); err != nil && rn.pass.unsaved() {
		rn.pass.m.cfg.Logger.Error("session: changes made after the response began are lost",
			slog.String("public_id", rn.pass.publicID()), slog.Any("error", err))
	}
}

// panicked leaves what an explicit Save has done to whoever recovers.
func (rn *run) panicked() {
	rn.pass.settle(&panicked)
	if !rn.sent {
		rn.pass.decorate(rn.raw.Header())
	}
}

// begin commits before a header of this status goes out.
func (rn *run) begin(status int) error {
	if rn.err != nil || rn.sent {
		return rn.err
	}
	if err := rn.pass.commit(status); err != nil {
		rn.fail(err)
		return err
	}
	rn.pass.decorate(rn.raw.Header())
	rn.pass.leaveLane() // the response may take as long as it likes
	return nil
}

// bypassed reports whether the handler has answered by another ResponseWriter than
// its own, as far as those around tell, as gin's and negroni's do. The header is gone
// then, and the cookie with it.
func (rn *run) bypassed() bool {
	if !written(rn.raw) {
		return false
	}
	rn.gone()
	rn.pass.sent.Store(true)
	if m := rn.pass.m; rn.pass.asked.Load() && !m.bypassed.Swap(true) {
		m.cfg.Logger.Error("session: the handler answered by another ResponseWriter than the one that Manager.Handler gave it: " +
			"the session is saved too late, and no cookie is set; put Handler around the router; " +
			"see \"Routers and frameworks\" in the documentation of package session")
	}
	return true
}

// written reports whether w or a writer below says that it has sent the header.
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

// fail makes err the end of the run: nothing more of it is sent.
func (rn *run) fail(err error) {
	rn.err = err
	rn.ctx.stop(err)
}

// gone notes that the header is on its way. What conflicts from now on is not replayed.
func (rn *run) gone() {
	rn.sent = true
	rn.pass.replaying.Store(false)
	if rn.outermost {
		rn.pass.sent.Store(true)
	}
}

// restore puts the header map back to what it was before the handler, in place:
// whoever is around has the same map. It gives entry away, so it is called once.
func (rn *run) restore() {
	h := rn.raw.Header()
	clear(h)
	maps.Copy(h, rn.entry)
}

// answer sends the error in place of the handler's response.
func (rn *run) answer(r *http.Request) {
	rn.pass.settle(&failedResponse)
	rn.pass.leaveLane()
	if rn.pass.sent.Load() { // by middleware around a leaf: no error after a page has begun
		rn.pass.m.cfg.Logger.Error("session: request failed after the response had begun",
			slog.String("public_id", rn.pass.publicID()), slog.Any("error", rn.err))
		return
	}
	rn.restore()
	rn.pass.decorate(rn.raw.Header())
	if handle := rn.pass.m.cfg.ErrorHandler; handle != nil {
		handle(rn.raw, r, rn.err)
		return
	}
	rn.pass.answerError(rn.raw, r, rn.err)
}

// Header implements http.ResponseWriter.
func (rn *run) Header() http.Header { return rn.raw.Header() }

// Unwrap is for http.ResponseController.
func (rn *run) Unwrap() http.ResponseWriter { return rn.raw }

// WriteHeader implements http.ResponseWriter.
func (rn *run) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		if rn.err == nil {
			rn.raw.WriteHeader(status)
		}
		return
	}
	if rn.begin(status) != nil {
		return
	}
	rn.gone()
	rn.raw.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (rn *run) Write(b []byte) (int, error) {
	if err := rn.begin(http.StatusOK); err != nil {
		return 0, err
	}
	rn.gone()
	return rn.raw.Write(b)
}

// WriteString implements io.StringWriter.
func (rn *run) WriteString(s string) (int, error) {
	if err := rn.begin(http.StatusOK); err != nil {
		return 0, err
	}
	rn.gone()
	return io.WriteString(rn.raw, s)
}

// ReadFrom implements io.ReaderFrom, which lets net/http use sendfile. An empty
// src sends no header.
func (rn *run) ReadFrom(src io.Reader) (int64, error) {
	if err := rn.begin(http.StatusOK); err != nil {
		return 0, err
	}
	defer rn.onTheWay()()
	n, err := copyTo(rn.raw, src)
	if n > 0 {
		rn.gone()
	}
	return n, err
}

// onTheWay makes the header count as sent until the function that it returns
// is called, and from then on only if it was.
func (rn *run) onTheWay() (decide func()) {
	if rn.outermost {
		rn.pass.sent.Store(true)
	}
	rn.pass.replaying.Store(false)
	return func() {
		if rn.outermost {
			rn.pass.sent.Store(rn.sent)
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
func (rn *run) Flush() { _ = rn.FlushError() }

// FlushError is for http.ResponseController.
func (rn *run) FlushError() error {
	if err := rn.begin(http.StatusOK); err != nil {
		return err
	}
	defer rn.onTheWay()()
	err := http.NewResponseController(rn.raw).Flush()
	if !errors.Is(err, http.ErrNotSupported) {
		rn.gone()
	}
	return err
}

// CloseNotify is for what asserts the long deprecated http.CloseNotifier, as
// gin's Context.Stream does, instead of looking at the request's context.
func (rn *run) CloseNotify() <-chan bool {
	gone := make(chan bool, 1)
	context.AfterFunc(&rn.ctx, func() { gone <- true })
	return gone
}

// Hijack implements http.Hijacker. A cookie that is to be set stays in the
// header map, and it is up to the caller to send it.
func (rn *run) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := rn.begin(http.StatusSwitchingProtocols); err != nil {
		return nil, nil, err
	}
	conn, buf, err := http.NewResponseController(rn.raw).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if !rn.sent && rn.pass.cookie.Load() != nil {
		rn.pass.m.cfg.Logger.Warn("session: connection hijacked with a cookie to be set; it is in the header map, and lost unless whoever hijacked sends it",
			slog.String("public_id", rn.pass.publicID()))
	}
	rn.gone()
	return conn, buf, nil
}
