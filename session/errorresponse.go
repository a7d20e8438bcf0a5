package session

import (
	"errors"
	"log/slog"
	"net/http"
)

// answer sends the error response in place of the handler's response.
func (rw *responseWriter) answer(r *http.Request) {
	rw.req.dropChanges(failedResponse)
	rw.req.leaveQueue()
	if rw.req.headerSent.Load() { // by middleware around a replayHandler: no error after a page has begun
		rw.req.m.cfg.Logger.Error("session: request failed after the response had begun",
			slog.String("public_id", rw.req.publicID()), slog.Any("error", rw.err))
		return
	}
	rw.restoreHeader()
	rw.req.writeToken(rw.raw.Header())
	if handle := rw.req.m.cfg.ErrorHandler; handle != nil {
		handle(rw.raw, r, rw.err)
		return
	}
	rw.req.answerError(rw.raw, r, rw.err)
}

// answerError is the default ErrorHandler.
func (p *requestState) answerError(w http.ResponseWriter, r *http.Request, err error) {
	status := StatusCode(err)
	level := slog.LevelError
	if status == http.StatusConflict || errors.Is(err, ErrUnproven) { // no fault of the server
		level = slog.LevelWarn
	}
	p.m.cfg.Logger.Log(r.Context(), level, "session: request failed",
		slog.String("public_id", p.publicID()), slog.String("method", r.Method), slog.String("route", r.Pattern), slog.Int("status", status), slog.Any("error", err))
	forbidCaching(w.Header())
	http.Error(w, errorText(err), status)
}

// errorText returns the text for the visitor.
func errorText(err error) string {
	switch {
	case errors.Is(err, ErrConflict):
		return "Another request of yours changed the same data at the same time, so this one was not saved. Please try again."
	case errors.Is(err, ErrEnded):
		return "Your session has ended or was renewed. Please load the page again; if that does not help, once more in half a minute."
	case errors.Is(err, ErrTooManySessions):
		return "You are signed in on too many devices. Please sign out of one of them first."
	case errors.Is(err, ErrUnproven):
		return "Your browser could not prove that it is the one that you signed in with. Please try again in a few minutes."
	case errors.Is(err, ErrOutcomeUnknown):
		return "The server could not tell whether your change was saved. Please look before you try again."
	case errors.Is(err, ErrUnavailable):
		return "Your session could not be read or saved. Please try again later."
	default:
		return "The server could not keep your session. Please try again later."
	}
}
