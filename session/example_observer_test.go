package session_test

import (
	"context"
	"expvar"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// Count the outcomes of every operation with the standard library's expvar. For
// OpenTelemetry there is package otelholdfast.
func ExampleEvent() {
	counts := expvar.NewMap("sessions")
	sessions, err := session.New(memory.New(), session.Config{
		Observer: func(_ context.Context, e session.Event) { counts.Add(string(e.Op)+" "+string(e.Outcome()), 1) },
	})
	if err != nil {
		log.Fatal(err)
	}
	visits := session.NewKey[int]("visits")
	page := sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		visits.Update(s, func(n int) int { return n + 1 })
	})

	first := httptest.NewRecorder()
	page.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	again := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	page.ServeHTTP(httptest.NewRecorder(), again)

	fmt.Println(counts)
	// Output: {"create ok": 1, "load ok": 1, "save ok": 2}
}
