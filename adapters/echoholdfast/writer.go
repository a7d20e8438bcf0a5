package echoholdfast

import (
	"net/http"

	"github.com/labstack/echo/v5"
)

// outerWriter is what the Manager's ResponseWriter writes to: the one of the Context from
// before the middleware. It tells a commit that has failed from one that has not.
type outerWriter struct {
	http.ResponseWriter
	c       *echo.Context
	over    bool // the handler of this run has returned
	reached bool // the Manager has passed on the status of this run: its commit succeeded
	failed  bool // the ErrorHandler has answered instead
}

func (w *outerWriter) begin() {
	if w.over {
		w.failed = !w.reached
	} else {
		w.reached = true
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *outerWriter) WriteHeader(status int) {
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *outerWriter) Write(b []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *outerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
