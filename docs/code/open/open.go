// Package open is the code of docs/frameworks.md for a framework whose requests are not
// those of net/http.
package open

import (
	"context"

	"github.com/holdfast-go/holdfast/session"
)

// A Request and a Response are those of the framework.
type Request struct {
	Cookies []string // the values of all cookies of the session's name
	Form    map[string]string
}

// A Response is sent when serve has returned.
type Response struct {
	Status int
	Header map[string]string
	Body   string
}

// serve gives the session to a handler, and commits it before the response is sent. If the
// session has changed meanwhile, it runs the handler again.
func serve(ctx context.Context, sessions *session.Manager, r *Request, handle func(*Request, *session.Session) *Response) *Response {
	for attempt := 1; ; attempt++ {
		s, err := sessions.Open(ctx, r.Cookies...)
		if err != nil {
			return &Response{Status: session.StatusCode(err)}
		}
		res := handle(r, s)
		if res.Status >= 500 {
			return res // commits nothing
		}
		token, err := s.Commit(ctx)
		if err != nil && session.StatusCode(err) == 409 && attempt < 10 {
			continue // only if a handler may run again
		}
		if err != nil {
			res = &Response{Status: session.StatusCode(err)}
		}
		if token.Changed { // also beside an error
			res.Header = map[string]string{
				"Set-Cookie":    sessions.Cookie(token).String(),
				"Cache-Control": "no-store",
			}
		}
		return res
	}
}
