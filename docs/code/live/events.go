// Package live is the code of docs/long-lived.md: events, websockets, uploads and jobs.
package live

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// A Site has requests that take long, and work that goes on after a request.
type Site struct {
	Sessions *session.Manager
	// News returns the messages for a user, until ctx ends.
	News func(ctx context.Context, userID string) <-chan string
	// Heartbeat is the time between two comments in a stream, which find connections that
	// are broken, such as 30 seconds.
	Heartbeat time.Duration
	// Report makes a report, which takes minutes.
	Report func(ctx context.Context, userID string) (string, error)
}

// events sends server-sent events until the session ends.
func (site *Site) events(w http.ResponseWriter, r *http.Request, s *session.Session) {
	if s.Owner() == "" {
		http.Error(w, "please log in", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // http.Server.WriteTimeout is for pages
	if err := out.Flush(); err != nil {   // sends the header
		return
	}
	alive, stop := s.Watch(r.Context())
	defer stop()
	news := site.News(alive, s.Owner())
	heartbeat := time.NewTicker(site.Heartbeat)
	defer heartbeat.Stop()
	for {
		select {
		case <-alive.Done():
			return // the browser connects again, and is told to log in
		case message := <-news:
			fmt.Fprintf(w, "data: %s\n\n", message)
		case <-heartbeat.C:
			fmt.Fprint(w, ": still here\n\n")
		}
		if err := out.Flush(); err != nil {
			return
		}
	}
}
