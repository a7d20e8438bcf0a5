package scsholdfast

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// headerWriter is a ResponseWriter that calls before when the header is about to be sent.
// A call that sends no header after all, such as a ReadFrom without data, may call it,
// too. http.ResponseController finds other methods through Unwrap.
type headerWriter struct {
	http.ResponseWriter
	before func(status int)
	sent   bool
}

var (
	_ http.Flusher    = (*headerWriter)(nil)
	_ http.Hijacker   = (*headerWriter)(nil)
	_ io.ReaderFrom   = (*headerWriter)(nil)
	_ io.StringWriter = (*headerWriter)(nil)
)

func (w *headerWriter) begin(status int) {
	if !w.sent {
		w.before(status)
	}
}

// Unwrap is for http.ResponseController.
func (w *headerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *headerWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin(status)
		w.sent = true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *headerWriter) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	w.sent = true
	return w.ResponseWriter.Write(b)
}

// WriteString implements io.StringWriter.
func (w *headerWriter) WriteString(s string) (int, error) {
	w.begin(http.StatusOK)
	w.sent = true
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom implements io.ReaderFrom, which lets net/http use sendfile.
func (w *headerWriter) ReadFrom(src io.Reader) (n int64, err error) {
	w.begin(http.StatusOK)
	if rf, ok := w.ResponseWriter.(io.ReaderFrom); ok {
		n, err = rf.ReadFrom(src)
	} else {
		n, err = io.Copy(struct{ io.Writer }{w.ResponseWriter}, src)
	}
	w.sent = w.sent || n > 0
	return n, err
}

// Flush implements http.Flusher.
func (w *headerWriter) Flush() { _ = w.FlushError() }

// FlushError is for http.ResponseController.
func (w *headerWriter) FlushError() error {
	w.begin(http.StatusOK)
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.sent = w.sent || err == nil
	return err
}

// Hijack implements http.Hijacker.
func (w *headerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.begin(http.StatusSwitchingProtocols)
	conn, buf, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.sent = w.sent || err == nil
	return conn, buf, err
}

// CloseNotify is for code that asserts the deprecated http.CloseNotifier, as gin's
// Context.Stream does.
func (w *headerWriter) CloseNotify() <-chan bool {
	if n, ok := w.ResponseWriter.(interface{ CloseNotify() <-chan bool }); ok {
		return n.CloseNotify()
	}
	return make(chan bool)
}
