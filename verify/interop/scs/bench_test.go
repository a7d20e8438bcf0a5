package scs_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/alexedwards/scs/v2"

	"github.com/holdfast-go/holdfast/adapters/scsholdfast"
)

// The time of a request in process, with each library's store in memory.
func BenchmarkRequest(b *testing.B) {
	old, moved := scs.New(), scsholdfast.New()
	for name, m := range map[string]sessionManager{"scs": old, "scsholdfast": moved} {
		for _, path := range []string{"/get", "/put", "/struct"} {
			b.Run(name+path, func(b *testing.B) { benchmark(b, m, path) })
		}
	}
}

func benchmark(b *testing.B, m sessionManager, path string) {
	h := m.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		handle(r.Context(), m, r.URL.Path)
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/login", nil))
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Cookie", "session="+w.Result().Cookies()[0].Value)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func handle(ctx context.Context, m sessionManager, path string) {
	switch path {
	case "/login":
		m.Put(ctx, "user", person{"Ann"})
		m.Put(ctx, "n", 1)
	case "/get":
		m.GetInt(ctx, "n")
	case "/put":
		m.Put(ctx, "n", m.GetInt(ctx, "n")+1)
	case "/struct":
		m.Get(ctx, "user")
	}
}
