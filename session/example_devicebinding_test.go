package session_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// After a login, browsers that can bind the session to their device are asked to do so.
func ExampleManager_DeviceBinding() {
	sessions, err := session.New(memory.New(), session.Config{DeviceBinding: session.BindingOffered})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /device-binding/", sessions.DeviceBinding())
	mux.HandleFunc("POST /login", sessions.HandlerFunc(func(_ http.ResponseWriter, _ *http.Request, s *session.Session) {
		s.Renew() // once the password is checked
		s.SetOwner("ann")
	}))
	mux.HandleFunc("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprintf(w, "%s: %s", s.Owner(), s.Binding().State)
	}))
	transfer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { /* move the money */ })
	mux.Handle("POST /transfer", sessions.RequireProof(time.Minute, transfer, nil))

	login := httptest.NewRecorder()
	mux.ServeHTTP(login, httptest.NewRequest("POST", "/login", nil))
	offer, _, _ := strings.Cut(login.Header().Get("Secure-Session-Registration"), ";challenge")
	fmt.Println(offer)

	for _, path := range []string{"GET /", "POST /transfer"} { // of a browser that does not register a key
		method, path, _ := strings.Cut(path, " ")
		r, page := httptest.NewRequest(method, path, nil), httptest.NewRecorder()
		r.AddCookie(login.Result().Cookies()[0])
		mux.ServeHTTP(page, r)
		fmt.Println(page.Code, page.Body)
	}

	// Output:
	// (ES256 RS256);path="/device-binding/register"
	// 200 ann: pending
	// 503 Your browser is about to bind your session to your device. Please try again in a moment.
}

// A page that offers more to sessions that are bound to their device.
func ExampleSession_Binding() {
	sessions := must(session.New(memory.New(), session.Config{DeviceBinding: session.BindingOffered}))
	mux := http.NewServeMux()
	mux.Handle("POST /device-binding/", sessions.DeviceBinding())
	mux.Handle("POST /login", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		s.Renew()
		s.SetOwner("ann")
	}))
	mux.Handle("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		if b := s.Binding(); b.State == session.BindingBound {
			fmt.Fprint(w, "bound since ", b.Since)
		} else {
			fmt.Fprint(w, "this browser has bound nothing: ", b.State)
		}
	}))

	ann := newBrowser(mux)
	ann.send("GET /")
	ann.send("POST /login")
	ann.send("GET /")
	// Output:
	// GET /: 200 this browser has bound nothing: none
	// POST /login: 200
	// GET /: 200 this browser has bound nothing: pending
}

// A transfer needs a browser that has just proven its key. A client with copied cookies
// cannot do so, and a browser that binds no sessions is answered by unproven.
func ExampleManager_RequireProof() {
	sessions := must(session.New(memory.New(), session.Config{DeviceBinding: session.BindingOffered}))
	transfer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { /* move the money */ })
	unproven := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "please confirm by mail", http.StatusForbidden)
	})
	newBrowser(sessions.RequireProof(time.Minute, transfer, unproven)).send("POST /transfer")
	// Output:
	// POST /transfer: 403 please confirm by mail
}
