package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A stream of events ends when the user is signed out on another device. Passive keeps
// the browser, which opens the stream again by itself, from keeping the session alive.
func ExampleSession_Watch() {
	sessions := must(session.New(memory.New(), session.Config{}))
	news := make(chan string)

	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	}))
	mux.Handle("POST /signout-everywhere", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if err := sessions.RevokeAll(r.Context(), s.Owner()); err != nil {
			http.Error(w, "please try again", session.StatusCode(err))
		}
	}))
	events := func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		alive, stop := s.Watch(r.Context())
		defer stop()
		for {
			select {
			case message := <-news:
				fmt.Fprintf(w, "data: %s\n", message)
				_ = http.NewResponseController(w).Flush()
			case <-alive.Done():
				if errors.Is(context.Cause(alive), session.ErrEnded) {
					fmt.Fprintln(w, "event: signed-out")
				}
				return
			}
		}
	}
	mux.Handle("GET /events", sessions.Passive(sessions.HandlerFunc(events)))

	laptop, phone := newBrowser(mux), newBrowser(mux)
	laptop.send("POST /login")
	phone.send("POST /login")
	closed := make(chan struct{})
	go func() {
		laptop.send("GET /events")
		close(closed)
	}()
	news <- "hello"
	phone.send("POST /signout-everywhere")
	<-closed
	// Unordered output:
	// POST /login: 200
	// POST /login: 200
	// POST /signout-everywhere: 200
	// GET /events: 200 data: hello
	// event: signed-out
}

// A connection on which the user works keeps the session alive by Touch. Without it, the
// idle timeout ends the session and the connection.
func ExampleSession_Watch_touch() {
	sessions := must(session.New(memory.New(), session.Config{IdleTimeout: time.Hour, WatchInterval: time.Minute}))

	serve := func(ctx context.Context, s *session.Session, messages <-chan string, answer func(string)) {
		alive, stop := s.Watch(ctx)
		defer stop()
		for {
			select {
			case message, ok := <-messages:
				if !ok {
					return
				}
				if err := s.Touch(ctx); err != nil { // the user has done something
					answer("please log in")
					return
				}
				answer("you said " + message)
			case <-alive.Done():
				answer("please log in")
				return
			}
		}
	}

	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	}))
	mux.Handle("GET /chat", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		messages := make(chan string, 2) // of a websocket
		messages <- "hello"
		messages <- "goodbye"
		close(messages)
		serve(r.Context(), s, messages, func(text string) { fmt.Fprintln(w, text) })
	}))

	browser := newBrowser(mux)
	browser.send("POST /login")
	browser.send("GET /chat")
	// Output:
	// POST /login: 200
	// GET /chat: 200 you said hello
	// you said goodbye
}
