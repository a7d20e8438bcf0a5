package echoholdfast

import (
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/holdfast-go/holdfast/session"
)

// ErrorHandler makes Echo.HTTPErrorHandler answer a request whose session could not be
// loaded or committed, so that it looks like the other errors of the app. It is for
// session.Config.ErrorHandler. The error is an [echo.HTTPError] with the status of
// [session.StatusCode], such as 409 for a conflict, and wraps the error of package session.
// ErrorHandler logs nothing: middleware around Sessions gets the error, as RequestLogger
// does. A request that is not in a function of this package is answered with a plain text.
func ErrorHandler(w http.ResponseWriter, _ *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	outer := outerOf(w)
	if outer == nil {
		status := session.StatusCode(err)
		http.Error(w, http.StatusText(status), status)
		return
	}
	outer.begin()
	status := session.StatusCode(err)
	outer.c.Echo().HTTPErrorHandler(outer.c, echo.NewHTTPError(status, "").Wrap(err))
}

// outerOf returns the outerWriter that w is or wraps.
func outerOf(w http.ResponseWriter) *outerWriter {
	for {
		switch t := w.(type) {
		case *outerWriter:
			return t
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil
		}
	}
}

// withStatus gives an error of package session the status that fits it. An error that has
// one, and an error whose status is 500, stay as they are.
func withStatus(err error) error {
	if err == nil || echo.StatusCode(err) != 0 {
		return err
	}
	if status := session.StatusCode(err); status != http.StatusInternalServerError {
		return echo.NewHTTPError(status, "").Wrap(err)
	}
	return err
}
