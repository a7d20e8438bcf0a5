package gorillaholdfast

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// told is what the response to one request has told the browser: the token of each
// session that was saved, by the name of the cookie, "" if it was ended. A session that is
// opened later in the same request is that one.
type told struct {
	mu     sync.Mutex
	tokens map[string]string
}

type toldKey struct{ store *Store }

// toldOf returns what the response to r has told. Like gorilla's registry, it is in the
// context of the request, which it replaces if it is the first.
func (s *Store) toldOf(r *http.Request) *told {
	if t, ok := r.Context().Value(toldKey{s}).(*told); ok {
		return t
	}
	t := &told{tokens: map[string]string{}}
	*r = *r.WithContext(context.WithValue(r.Context(), toldKey{s}, t))
	return t
}

func (t *told) set(cookie, token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tokens[cookie] = token
}

func (t *told) get(cookie string) (token string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	token, ok = t.tokens[cookie]
	return token, ok
}

// callContext is the context of a request during one call. A session.Session keeps the
// context that it was opened with. That of a request holds gorilla's registry, and with
// it the sessions.Session, which would never be collected. So a callContext forgets it.
type callContext struct {
	request atomic.Pointer[context.Context] // nil: the call is over
}

// during calls do with a context that is that of r until do returns.
func during(r *http.Request, do func(context.Context) error) error {
	var c callContext
	request := r.Context()
	c.request.Store(&request)
	defer c.request.Store(nil)
	return do(&c)
}

func (c *callContext) current() context.Context {
	if request := c.request.Load(); request != nil {
		return *request
	}
	return context.Background()
}

// Deadline implements context.Context.
func (c *callContext) Deadline() (time.Time, bool) { return c.current().Deadline() }

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} { return c.current().Done() }

// Err implements context.Context.
func (c *callContext) Err() error { return c.current().Err() }

// Value implements context.Context.
func (c *callContext) Value(key any) any { return c.current().Value(key) }
