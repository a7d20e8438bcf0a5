package fiberholdfast

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"
)

// request returns the request of c for the Manager, without the body, which stays in c.
// fasthttp uses its memory again for the next request, so all is copied.
func request(c fiber.Ctx, ctx context.Context) *http.Request {
	in := c.Request()
	r := &http.Request{
		Method:        strings.Clone(c.Method()),
		Proto:         string(in.Header.Protocol()),
		Header:        http.Header{},
		Body:          http.NoBody,
		ContentLength: int64(max(in.Header.ContentLength(), -1)),
		Host:          string(in.Host()),
		RemoteAddr:    c.RequestCtx().RemoteAddr().String(),
		RequestURI:    string(in.Header.RequestURI()),
		TLS:           c.RequestCtx().TLSConnectionState(),
	}
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(r.Proto)
	var err error
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		r.URL = &url.URL{Path: strings.Clone(c.Path())}
	}
	for name, value := range in.Header.All() {
		if key := http.CanonicalHeaderKey(string(name)); key != "Host" {
			r.Header[key] = append(r.Header[key], string(value))
		}
	}
	return r.WithContext(ctx)
}

// handlerContext is the context of the handlers. It ends as the one from before the
// middleware does, because the function of a stream runs when the handlers have returned.
type handlerContext struct {
	context.Context
	values context.Context // the Manager's
}

// Value implements context.Context.
func (c *handlerContext) Value(key any) any { return c.values.Value(key) }

// restoreContext gives c its context from before the middleware. A handler that the
// timeout middleware has abandoned may still be using c.
func restoreContext(c fiber.Ctx, base context.Context) {
	if !c.IsAbandoned() {
		c.SetContext(base)
	}
}
