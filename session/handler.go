package session

import (
	"errors"
	"log/slog"
	"net/http"
)

// Handler returns next with sessions: it and all it calls get theirs from
// [Load]. It calls next exactly once, and loads nothing that is not asked for.
//
// What the request changes is committed when the response begins. If that
// fails, ErrorHandler answers in place of next's response.
func (m *Manager) Handler(next http.Handler) http.Handler {
	m.check()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.around(r.Context()) != nil { // the same Manager is around already
			next.ServeHTTP(w, r)
			return
		}
		m.handle(next, w, r)
	})
}

func (m *Manager) handle(next http.Handler, w http.ResponseWriter, r *http.Request) {
	var one struct { // a single allocation
		passage
		run
		inner http.Request
	}
	p, rn, inner := &one.passage, &one.run, &one.inner
	p.m, p.request = m, r
	rn.start(p, w, r, true)
	defer p.end()
	*inner = *r.WithContext(&rn.ctx)
	defer giveBack(r, inner)
	rn.serve(next, inner)
	if rn.err != nil {
		giveBack(r, inner) // the ErrorHandler may want to know as well
		rn.answer(r)
	}
}

// giveBack hands what the handler's copy of the request has gathered to the
// original: net/http removes the temporary files of its own request's form
// only, and middleware around may want to know the pattern.
func giveBack(r, inner *http.Request) {
	r.Pattern = inner.Pattern
	if r.MultipartForm == nil {
		r.MultipartForm = inner.MultipartForm
	}
}

// answerError is the default ErrorHandler.
func (p *passage) answerError(w http.ResponseWriter, r *http.Request, err error) {
	status := StatusCode(err)
	level := slog.LevelError
	if status == http.StatusConflict {
		level = slog.LevelWarn
	}
	p.m.cfg.Logger.Log(r.Context(), level, "session: request failed",
		slog.String("public_id", p.publicID()), slog.String("method", r.Method), slog.Int("status", status), slog.Any("error", err))
	text := "The server could not keep your session. Please try again later."
	switch {
	case errors.Is(err, ErrConflict):
		text = "Another request of yours changed the same data at the same time, so this one was not saved. Please try again."
	case errors.Is(err, ErrEnded):
		text = "Your session has ended or was renewed. Please load the page again; if that does not help, once more in half a minute."
	case errors.Is(err, ErrTooManySessions):
		text = "You are signed in on too many devices. Please sign out of one of them first."
	case errors.Is(err, ErrOutcomeUnknown):
		text = "The server could not tell whether your change was saved. Please look before you try again."
	case errors.Is(err, ErrUnavailable):
		text = "Your session could not be read or saved. Please try again later."
	}
	forbidCaching(w.Header())
	http.Error(w, text, status)
}
