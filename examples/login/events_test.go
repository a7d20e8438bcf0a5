package main

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
)

// A stream is what an open page hears.
type stream struct {
	t      *testing.T
	resp   *http.Response
	events *bufio.Scanner
}

// hear opens the stream of a page with that session.
func (v *visitor) hear(publicID string) *stream {
	v.t.Helper()
	resp, err := v.client.Get(v.server.URL + "/events?public_id=" + url.QueryEscape(publicID))
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { resp.Body.Close() })
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		v.t.Fatalf("%d, %s", resp.StatusCode, kind)
	}
	return &stream{v.t, resp, bufio.NewScanner(resp.Body)}
}

// wantEnded waits for the event that tells of the session's end, and that of the stream.
func (s *stream) wantEnded() {
	s.t.Helper()
	told := false
	for s.events.Scan() {
		told = told || s.events.Text() == "event: ended"
	}
	if err := s.events.Err(); err != nil || !told {
		s.t.Errorf("told: %v, error %v", told, err)
	}
}

func TestOpenPagesHearThatTheirSessionHasEnded(t *testing.T) {
	for name, end := range map[string]func(here, phone *visitor){
		"signed out here":                  func(here, _ *visitor) { here.post("/signout") },
		"signed out on another device":     func(here, phone *visitor) { phone.post("/signout/one", "public_id", here.publicID()) },
		"signed out with all others":       func(_, phone *visitor) { phone.post("/signout/others") },
		"signed in again":                  func(here, _ *visitor) { here.post("/signin", "name", "ada", "password", "correct horse") },
		"password changed":                 func(_, phone *visitor) { phone.post("/account", "old", "correct horse", "new", "battery staple") },
		"password changed by this browser": func(here, _ *visitor) { here.post("/account", "old", "correct horse", "new", "battery staple") },
	} {
		t.Run(name, func(t *testing.T) {
			here := newVisitor(t)
			here.signUp("ada", "correct horse")
			phone := here.anotherDevice("ada", "correct horse")
			one, two := here.hear(here.publicID()), here.hear(here.publicID())
			end(here, phone)
			one.wantEnded()
			two.wantEnded()
		})
	}
}

func TestAPageWhoseSessionEndedBeforeItListensHearsItAtOnce(t *testing.T) {
	v := newVisitor(t)
	v.signUp("ada", "correct horse")
	v.hear("").wantEnded()
	before := v.publicID()
	v.post("/signin", "name", "ada", "password", "correct horse")
	v.hear(before).wantEnded()
	v.post("/signout")
	v.hear(before).wantEnded()
}

// Streams would keep the server from ending.
func TestStreamsEndWithTheServer(t *testing.T) {
	closing, closeAll := context.WithCancel(t.Context())
	v := newVisitorUntil(t, closing, memory.New())
	v.signUp("ada", "correct horse")
	s := v.hear(v.publicID())
	closeAll()
	for s.events.Scan() {
		if s.events.Text() == "event: ended" {
			t.Error("the session has not ended")
		}
	}
	if err := s.events.Err(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
