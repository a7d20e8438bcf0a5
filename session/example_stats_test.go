package session_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// How many open streams there are, for metrics.
func ExampleManager_WatchStats() {
	sessions := must(session.New(memory.New(), session.Config{}))
	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	}))
	mux.Handle("GET /events", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		_, stop := s.Watch(r.Context())
		defer stop()
		stats := sessions.WatchStats()
		fmt.Fprintln(w, stats.Contexts, "streams of", stats.Sessions, "sessions")
	}))
	ann := newBrowser(mux)
	ann.send("POST /login")
	ann.send("GET /events")
	fmt.Println(sessions.WatchStats().Contexts)
	// Output:
	// POST /login: 200
	// GET /events: 200 1 streams of 1 sessions
	// 0
}

// The share of requests that the read cache has served. It is not in use here.
func ExampleManager_ReadCacheStats() {
	sessions := must(session.New(memory.New(), session.Config{}))
	stats := sessions.ReadCacheStats()
	fmt.Println(stats.Hits, "of", stats.Hits+stats.Absent+stats.Stale+stats.Outdated+stats.Deaf)
	// Output:
	// 0 of 0
}

// An outcome is short and of a small set, so that it fits a label of a metric.
func ExampleEvent_Outcome() {
	for _, err := range []error{nil, session.ErrConflict, session.ErrUnavailable} {
		fmt.Println(session.Event{Op: session.OpSave, Err: err}.Outcome())
	}
	// Output:
	// ok
	// conflict
	// unavailable
}

func ExampleStatusCode() {
	for _, err := range []error{session.ErrConflict, session.ErrEnded, session.ErrUnavailable, context.Canceled} {
		fmt.Println(session.StatusCode(err))
	}
	// Output:
	// 409
	// 409
	// 503
	// 500
}
