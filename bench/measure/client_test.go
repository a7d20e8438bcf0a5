package measure_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// An app is a library with its store. It has one of two handlers.
type app struct {
	name string
	net  http.Handler
	fast fasthttp.RequestHandler
}

// A visitor sends requests to an app, one after the other, and takes care to cost
// next to nothing.
type visitor interface {
	to(route string)         // sets the request up
	send()                   // sends it
	answer() (int, string)   // the status and body
	cookie() (string, bool)  // a cookie that has come with it
	setCookie(cookie string) // sends it from now on; "": none
}

func (a app) visitor(ctx context.Context) visitor {
	if a.fast != nil {
		return &fastVisitor{handler: a.fast}
	}
	v := &netVisitor{handler: a.net, used: new(http.Request), w: writer{header: http.Header{}}}
	v.request, _ = http.NewRequestWithContext(ctx, "GET", "http://localhost/", nil)
	v.request.RemoteAddr = "127.0.0.1:1"
	return v
}

// netVisitor calls a handler of net/http.
type netVisitor struct {
	handler http.Handler
	request *http.Request
	used    *http.Request // a copy, since libraries write into it
	w       writer
}

func (v *netVisitor) to(route string)       { v.request.URL.Path = route }
func (v *netVisitor) answer() (int, string) { return v.w.status, string(v.w.body) }

func (v *netVisitor) send() {
	*v.used = *v.request
	v.w.reset()
	v.handler.ServeHTTP(&v.w, v.used)
}

func (v *netVisitor) cookie() (string, bool) {
	lines := v.w.header["Set-Cookie"]
	if len(lines) == 0 {
		return "", false
	}
	pair, _, _ := strings.Cut(lines[len(lines)-1], ";")
	return pair, true
}

func (v *netVisitor) setCookie(cookie string) {
	v.request.Header.Del("Cookie")
	if cookie != "" {
		v.request.Header.Set("Cookie", cookie)
	}
}

// writer is a ResponseWriter that is used again and again.
type writer struct {
	header http.Header
	status int
	body   []byte
}

func (w *writer) reset() {
	clear(w.header)
	w.status = 0
	w.body = w.body[:0]
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, b...)
	return len(b), nil
}

func (w *writer) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, s...)
	return len(s), nil
}

// fastVisitor calls a handler of fasthttp, as its server does.
type fastVisitor struct {
	handler fasthttp.RequestHandler
	ctx     fasthttp.RequestCtx
}

func (v *fastVisitor) to(route string) { v.ctx.Request.SetRequestURI("http://localhost" + route) }

func (v *fastVisitor) send() {
	v.ctx.Response.Reset()
	v.ctx.ResetUserValues()
	v.handler(&v.ctx)
}

func (v *fastVisitor) answer() (int, string) {
	return v.ctx.Response.StatusCode(), string(v.ctx.Response.Body())
}

func (v *fastVisitor) cookie() (pair string, ok bool) {
	for _, line := range v.ctx.Response.Header.Cookies() {
		pair, _, _ = strings.Cut(string(line), ";")
		ok = true
	}
	return pair, ok
}

func (v *fastVisitor) setCookie(cookie string) {
	v.ctx.Request.Header.DelAllCookies()
	if name, value, ok := strings.Cut(cookie, "="); ok {
		v.ctx.Request.Header.SetCookie(name, value)
	}
}

// visit returns a visitor whose next request is the scenario's.
func (sc scenario) visit(tb testing.TB, ctx context.Context, a app) visitor {
	tb.Helper()
	v := a.visitor(ctx)
	if sc.begin != "" {
		v.to(sc.begin)
		ask(tb, v)
		if cookie, ok := v.cookie(); ok {
			v.setCookie(cookie)
		}
	}
	v.to(sc.route)
	return v
}

// ask sends the request and wants a good answer, which it returns.
func ask(tb testing.TB, v visitor) string {
	tb.Helper()
	v.send()
	status, body := v.answer()
	if status != http.StatusOK {
		tb.Fatalf("status %d: %s", status, body)
	}
	return body
}

// confirm wants what the last answer has told to be stored.
func (sc scenario) confirm(tb testing.TB, v visitor) {
	tb.Helper()
	status, want := v.answer()
	if status != http.StatusOK {
		tb.Fatalf("status %d: %s", status, want)
	}
	if sc.check == "" {
		return
	}
	if cookie, ok := v.cookie(); ok { // a store that is a cookie
		v.setCookie(cookie)
	}
	v.to(sc.check)
	if got := ask(tb, v); got != want {
		tb.Errorf("the change was lost: %.20q is stored, want %.20q", got, want)
	}
}
