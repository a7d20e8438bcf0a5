package fiberholdfast

import (
	"maps"
	"net/http"
	"slices"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
)

// response is what the Manager's ResponseWriter writes to. It passes on to fiber's response
// what the Manager changes in the header, and the response of the ErrorHandler.
type response struct {
	c      fiber.Ctx
	entry  fasthttp.ResponseHeader // from before the handler
	header http.Header             // as the Manager sees and changes it
	before http.Header             // as fiber's response has it

	running  bool // the handler has not returned
	reached  bool // the Manager has passed on the status of this run: its commit succeeded
	failed   bool // the commit of this run has failed
	answered bool // the ErrorHandler has answered
	runs     int
}

var _ http.ResponseWriter = (*response)(nil)

func newResponse(c fiber.Ctx) *response {
	w := &response{c: c}
	c.Response().Header.CopyTo(&w.entry)
	w.header = headerOf(&w.entry)
	w.before = w.header.Clone()
	return w
}

// headerOf returns a copy of h.
func headerOf(h *fasthttp.ResponseHeader) http.Header {
	all := http.Header{}
	for name, value := range h.All() {
		all.Add(string(name), string(value))
	}
	return all
}

// beginRun begins a run of the handler. Nothing of the run before is left.
func (w *response) beginRun() {
	if w.runs++; w.runs > 1 {
		w.reset()
	}
	w.running, w.reached, w.failed = true, false, false
}

// endRun makes the Manager commit. inner is its ResponseWriter of this run.
func (w *response) endRun(inner http.ResponseWriter) {
	clear(w.header)
	maps.Copy(w.header, headerOf(&w.c.Response().Header))
	w.before = w.header.Clone()
	status := w.c.Response().StatusCode()
	if status == http.StatusRequestTimeout { // fiber's status of a handler that was too late
		status = http.StatusServiceUnavailable // commits nothing
	}
	inner.WriteHeader(status)
	w.running, w.failed = false, !w.reached
}

// end removes the response of a handler whose commit has failed if the ErrorHandler has
// sent nothing in its place.
func (w *response) end() {
	if w.failed && !w.answered {
		w.WriteHeader(http.StatusOK)
	}
}

// reset makes fiber's response what it was before the handler.
func (w *response) reset() {
	res := w.c.Response()
	res.ResetBody() // also ends the function of a stream, which finds that it cannot write
	res.SkipBody, res.ImmediateHeaderFlush = false, false
	w.entry.CopyTo(&res.Header)
	w.before = headerOf(&w.entry)
	w.c.RequestCtx().Hijack(nil)
}

// apply makes the changes of the header in fiber's response.
func (w *response) apply() {
	h := &w.c.Response().Header
	for name := range w.before {
		if _, kept := w.header[name]; !kept {
			h.Del(name)
		}
	}
	for name, values := range w.header {
		if slices.Equal(values, w.before[name]) {
			continue
		}
		h.Del(name)
		for _, value := range values {
			h.Add(name, value)
		}
	}
	w.before = w.header.Clone()
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter. After the handler, the ErrorHandler calls it.
func (w *response) WriteHeader(status int) {
	switch {
	case w.running:
		w.reached = true
	case w.answered:
		return
	default:
		w.beginAnswer()
		w.c.Response().SetStatusCode(status)
	}
	w.apply()
}

// beginAnswer begins the response of the ErrorHandler.
func (w *response) beginAnswer() {
	w.answered = true
	w.reset()
}

// Write implements http.ResponseWriter.
func (w *response) Write(b []byte) (int, error) {
	if !w.answered {
		w.WriteHeader(http.StatusOK)
	}
	w.c.Response().AppendBody(b)
	return len(b), nil
}
