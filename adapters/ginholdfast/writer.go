package ginholdfast

import (
	"bufio"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// outerWriter is what the Manager's ResponseWriter writes to: the gin.ResponseWriter from
// before the middleware. gin keeps a status until the first byte, so the status that the
// Manager passes on is not sent yet, and middleware outside can still add headers.
type outerWriter struct {
	gin.ResponseWriter
	reached bool // the Manager has passed on the status of this run: its commit succeeded
}

// WriteHeader implements http.ResponseWriter.
func (w *outerWriter) WriteHeader(status int) {
	w.reached = true
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *outerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// innerWriter is the gin.ResponseWriter of the handlers. As with gin's own, WriteHeader
// only keeps the status. The first byte, Flush and WriteHeaderNow make the Manager commit,
// with that status.
type innerWriter struct {
	gin.ResponseWriter                     // outer's, which has the status and the size
	session            http.ResponseWriter // the Manager's
	outer              *outerWriter
	begun              bool
}

var _ gin.ResponseWriter = (*innerWriter)(nil)

// begin makes the Manager commit, without sending the header.
func (w *innerWriter) begin() {
	if !w.begun {
		w.begun = true
		w.session.WriteHeader(w.Status())
	}
}

// failure returns the error of the commit.
func (w *innerWriter) failure() error {
	if w.outer.reached {
		return nil
	}
	_, err := w.session.Write(nil) // which writes nothing after a commit that failed
	return err
}

// WriteHeaderNow implements gin.ResponseWriter.
func (w *innerWriter) WriteHeaderNow() {
	w.begin()
	if w.outer.reached {
		w.ResponseWriter.WriteHeaderNow()
	}
}

// Write implements http.ResponseWriter.
func (w *innerWriter) Write(b []byte) (int, error) {
	w.begin()
	return w.session.Write(b)
}

// WriteString implements gin.ResponseWriter.
func (w *innerWriter) WriteString(s string) (int, error) {
	w.begin()
	return io.WriteString(w.session, s)
}

// Flush implements http.Flusher.
func (w *innerWriter) Flush() {
	w.begin()
	_ = http.NewResponseController(w.session).Flush()
}

// Hijack implements http.Hijacker.
func (w *innerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(w.session).Hijack()
	if err == nil {
		w.begun, w.outer.reached = true, true
	}
	return conn, buf, err
}

// CloseNotify implements http.CloseNotifier. The channel also reports a commit that has
// failed, which ends a gin.Context.Stream.
func (w *innerWriter) CloseNotify() <-chan bool {
	return w.session.(interface{ CloseNotify() <-chan bool }).CloseNotify()
}

// Unwrap is for http.ResponseController and session.Unwrap.
func (w *innerWriter) Unwrap() http.ResponseWriter { return w.session }
