package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// heartbeat is the time between two comments in a stream of events, which find
// connections that are broken.
const heartbeat = 15 * time.Second

// events tells an open page when its session has ended: it was signed out here or on
// another device, renewed, or has expired. The page names its session by the public ID,
// since the browser may have another session by now.
func (s *shop) events(w http.ResponseWriter, r *http.Request, sess *session.Session) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // http.Server.WriteTimeout is for pages
	if out.Flush() != nil {
		return
	}
	alive, stop := sess.Watch(r.Context())
	defer stop()
	ended := sess.PublicID() != r.FormValue("public_id") || s.signedIn(sess) == ""
	for !ended {
		select {
		case <-alive.Done():
			ended = r.Context().Err() == nil
			if !ended {
				return // the page was closed
			}
		case <-s.closing.Done():
			return // the browser connects again
		case <-time.After(heartbeat):
			fmt.Fprint(w, ": still here\n\n")
		}
		if out.Flush() != nil {
			return
		}
	}
	fmt.Fprint(w, "event: ended\ndata:\n\n")
}
