package session_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

type nullW struct{ h http.Header }

func (n nullW) Header() http.Header         { return n.h }
func (n nullW) Write(b []byte) (int, error) { return len(b), nil }
func (n nullW) WriteHeader(int)             {}

func BenchmarkZZRead(b *testing.B) {
	w := newWorld(b)
	c := w.client()
	c.post(set("a=1"))
	h := w.m.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) { keyA.Get(s) })
	r := httptest.NewRequest("GET", "/", nil)
	for n, v := range c.jar {
		r.AddCookie(&http.Cookie{Name: n, Value: v})
	}
	b.ReportAllocs()
	nw := nullW{http.Header{}}
	for b.Loop() {
		h.ServeHTTP(nw, r)
	}
}
