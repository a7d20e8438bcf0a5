package session

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Replay returns next such that it runs again when its session has met a conflict,
// whatever the method. It works alone or inside of Handler. Put it around the innermost
// handler of a route: routers do not route a request twice. Each run gets a copy of the
// request, with the body from its beginning. Effects of next other than on the session
// are repeated, so next must tolerate that. A request must not be in two such handlers at
// the same time; inside of another one, Replay has no effect.
//
// next does not run again after its own Save or Update has saved something, or after it
// has read more of the body than Config.MaxReplayBody.
func (m *Manager) Replay(next http.Handler) http.Handler {
	m.check()
	return &replayHandler{m: m, next: next}
}

// replayHandler is a handler that may run more than once for one request.
type replayHandler struct {
	m        *Manager
	next     http.Handler
	safeOnly bool // runs again only for safe requests
}

// ServeHTTP implements http.Handler.
func (h *replayHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := h.m.enclosing(r.Context())
	if p != nil && p.insideReplay.Load() { // the Replay around this handler runs it again
		h.next.ServeHTTP(w, r)
		return
	}
	outermost := p == nil
	if outermost {
		p = &requestState{issuer: issuer{m: h.m}, request: r}
		defer p.end()
	}
	defer p.leaveQueue()
	defer p.runsAgain.Store(false)
	if !h.safeOnly {
		p.insideReplay.Store(true)
		defer p.insideReplay.Store(false)
	}
	re := &replay{replayHandler: h, req: p, outermost: outermost, attempts: h.m.cfg.ReplayAttempts}
	if h.safeOnly && !repeatable(r) {
		re.attempts = 1
	}
	if s := p.session(); s != nil {
		re.savepoint = s.transaction().Savepoint()
	}
	if rw := re.runAll(w, r); rw.err != nil {
		rw.answer(r)
	}
}

// repeatable reports whether r is safe and has no body, so that its handler may run
// twice.
func repeatable(r *http.Request) bool {
	// Over HTTP/2 there always is a Body, but a length of 0 is known to be none.
	return safe(r.Method) && (r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0)
}

// safe reports whether a method changes nothing: RFC 9110, section 9.2.1. TRACE does not
// either, but no handler should answer it.
func safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return false
}

// replay holds the state of the runs for one request.
type replay struct {
	*replayHandler
	req       *requestState
	outermost bool
	attempts  int
	savepoint *txn.Savepoint // of the session when the handler was called; nil: it was not loaded
	body      *bodyRecorder
}

// runAll runs the handler until a run meets no conflict or the handler may not run again.
// It returns the writer of the last run.
func (re *replay) runAll(w http.ResponseWriter, r *http.Request) *responseWriter {
	if re.attempts > 1 && r.Body != nil && r.Body != http.NoBody {
		re.body = &bodyRecorder{src: r.Body, limit: re.m.cfg.MaxReplayBody}
		defer re.body.close()
	}
	for n := 1; ; n++ {
		rw := new(responseWriter)
		rw.start(re.req, w, r, re.outermost)
		last := n >= re.attempts
		re.req.runsAgain.Store(!last)
		if re.runOnce(rw, r, last) {
			return rw
		}
		rw.restoreHeader()
		re.m.engine.ObserveReplay(r.Context(), re.req.publicID(), n)
	}
}

// runOnce runs the handler once, and reports whether that was the last run.
func (re *replay) runOnce(rw *responseWriter, r *http.Request, last bool) (done bool) {
	inner := re.request(rw, r)
	defer func() {
		if done {
			copyParsedForm(r, inner)
		} else if inner.MultipartForm != nil && r.MultipartForm == nil { // not one that was parsed outside
			_ = inner.MultipartForm.RemoveAll()
		}
	}()
	done = true // also for a panic
	rw.serve(re.next, inner)
	if last && re.attempts > 1 && errors.Is(rw.err, ErrConflict) {
		rw.err = fmt.Errorf("%w (it ran %d times, as Config.ReplayAttempts has it)", rw.err, re.attempts)
	}
	return last || !errors.Is(rw.err, ErrConflict) || !re.rewind(rw)
}

// request returns the request for one run. A handler that changes its request must not
// change that of the next run.
func (re *replay) request(rw *responseWriter, r *http.Request) *http.Request {
	if re.attempts == 1 {
		return r.WithContext(&rw.ctx)
	}
	inner := r.Clone(&rw.ctx)
	inner.Trailer = r.Trailer // net/http fills it in when the body has been read
	if re.body != nil {
		inner.Body = re.body.rewind()
	}
	return inner
}

// rewind resets the session to the savepoint, on top of the newest content, if the failed
// run allows it.
func (re *replay) rewind(rw *responseWriter) bool {
	s := re.req.session()
	if s == nil || re.body.overrun() || !s.transaction().MayRunAgain(re.savepoint, re.safeOnly) {
		return false
	}
	if err := s.transaction().Rewind(re.req.request.Context(), re.savepoint); err != nil {
		rw.err = err
		return false
	}
	return true
}
