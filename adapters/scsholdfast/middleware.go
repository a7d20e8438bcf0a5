package scsholdfast

import (
	"context"
	"net/http"
	"sync"
)

// LoadAndSave returns next with sessions: it loads the session of the visitor's cookie,
// saves it when the response begins or next returns, and sends a cookie that has changed.
// It is [session.Manager.Handler], with everything that this does: a session that cannot
// be saved is answered by ErrorFunc in place of next's response, and a response with a
// status of 500 or more, or a panic, saves nothing.
//
// A request without a cookie causes no storage trip until it puts a value.
func (s *SessionManager) LoadAndSave(next http.Handler) http.Handler {
	handler := sync.OnceValues(func() (http.Handler, error) {
		c, err := s.core()
		if err != nil {
			return nil, err
		}
		return &loadAndSave{core: c, next: next, inner: c.manager.Handler(c.load(next))}, nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := handler()
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// refuse answers a request that cannot be served because of the configuration.
func (s *SessionManager) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if s.ErrorFunc != nil {
		s.ErrorFunc(w, r, err)
		return
	}
	s.answerError(w, r, err)
}

// loadAndSave is the handler of LoadAndSave.
type loadAndSave struct {
	core  *core
	next  http.Handler
	inner http.Handler // next with sessions, for requests with a data
}

// ServeHTTP implements http.Handler.
func (h *loadAndSave) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.core
	if d, _ := r.Context().Value(c.key).(*data); d != nil { // LoadAndSave or Load is outside of this
		h.next.ServeHTTP(w, r)
		return
	}
	d := &data{core: c}
	inner := r.WithContext(context.WithValue(r.Context(), c.key, d))
	defer copyParsedForm(r, inner)
	if c.importer != nil {
		header, err := c.importer.request(r)
		if err != nil {
			c.errorFunc(w, r, err)
			return
		}
		if header != nil {
			inner.Header, d.imported = header, true
		}
	}
	outer := &headerWriter{ResponseWriter: w, before: func(status int) { d.writeCookie(w.Header(), status) }}
	h.inner.ServeHTTP(outer, inner)
	outer.begin(http.StatusOK) // unless it has begun, net/http sends the header next
}

// load returns next for a request whose data is still to be loaded.
func (c *core) load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, _ := r.Context().Value(c.key).(*data)
		sess, err := c.manager.Load(r.Context())
		if err == nil {
			err = d.begin(r.Context(), sess)
		}
		if err != nil {
			c.errorFunc(w, r, err)
			return
		}
		d.serve(next, w, r)
	})
}

// serve calls next, and saves what it has changed in place before the header is sent and
// after it has returned.
func (d *data) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	save := func(int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.saveInPlace()
	}
	next.ServeHTTP(&headerWriter{ResponseWriter: w, before: save}, r)
	save(0)
}

// Replay returns next such that it runs again when its session has met a conflict,
// instead of answering 409. Put it inside of LoadAndSave, around the innermost handler of
// a route:
//
//	mux.Handle("POST /cart", sessions.Replay(http.HandlerFunc(addToCart)))
//
// Effects of next other than on the session are repeated, so next must tolerate that: see
// [session.Manager.Replay].
func (s *SessionManager) Replay(next http.Handler) http.Handler {
	handler := sync.OnceValues(func() (http.Handler, error) {
		c, err := s.core()
		if err != nil {
			return nil, err
		}
		return c.manager.Replay(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			d := s.data(r.Context())
			d.rewind()
			d.serve(next, w, r)
		})), nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, err := handler()
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		s.data(r.Context()).savepoint()
		h.ServeHTTP(w, r)
	})
}

// copyParsedForm copies the parsed form and the pattern from the handler's copy of a
// request to the original: net/http removes the temporary files of its own request's form
// only.
func copyParsedForm(r, inner *http.Request) {
	r.Pattern = inner.Pattern
	if r.MultipartForm == nil {
		r.MultipartForm = inner.MultipartForm
	}
}
