package gorillaholdfast_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gorilla/sessions"

	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A handler that was written for gorilla, with a store of Holdfast.
func ExampleNewStore() {
	store := gorillaholdfast.NewStore(memory.New())

	page := func(w http.ResponseWriter, r *http.Request) {
		s, _ := store.Get(r, "session-name")
		visits, _ := s.Values["visits"].(int)
		s.Values["visits"] = visits + 1
		if err := s.Save(r, w); err != nil {
			http.Error(w, err.Error(), session.StatusCode(err))
			return
		}
		fmt.Println("visit", visits+1)
	}

	first := httptest.NewRecorder()
	page(first, httptest.NewRequest("GET", "https://example.org/", nil))
	again := httptest.NewRequest("GET", "https://example.org/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	page(httptest.NewRecorder(), again)
	// Output:
	// visit 1
	// visit 2
}

// A visitor who was signed in before the move stays signed in.
func ExampleImport() {
	old := sessions.NewCookieStore([]byte("the key that the app had"))
	visitor := httptest.NewRequest("GET", "https://example.org/", nil)
	before := httptest.NewRecorder()
	s, _ := old.Get(visitor, "session-name")
	s.Values["user"] = "ann"
	s.Save(visitor, before)

	store := gorillaholdfast.NewStore(memory.New(), gorillaholdfast.Import(old))

	visitor = httptest.NewRequest("GET", "https://example.org/", nil)
	visitor.AddCookie(before.Result().Cookies()[0])
	after := httptest.NewRecorder()
	s, _ = store.Get(visitor, "session-name")
	fmt.Println(s.Values["user"])
	fmt.Println(s.Save(visitor, after), len(after.Result().Cookies()))
	// Output:
	// ann
	// <nil> 1
}

// Two requests change the same key. The one that loses loads the session again.
func ExampleStore_New() {
	store := gorillaholdfast.NewStore(memory.New())
	request := func(cookies ...*http.Cookie) (*http.Request, *httptest.ResponseRecorder) {
		r := httptest.NewRequest("POST", "https://example.org/add", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		return r, httptest.NewRecorder()
	}
	add := func(s *sessions.Session) {
		n, _ := s.Values["n"].(int)
		s.Values["n"] = n + 1
	}

	r, w := request()
	s, _ := store.Get(r, "session-name")
	add(s)
	s.Save(r, w)
	cookie := w.Result().Cookies()[0]

	one, w1 := request(cookie)
	two, w2 := request(cookie)
	s1, _ := store.Get(one, "session-name")
	s2, _ := store.Get(two, "session-name")
	add(s1)
	s1.Save(one, w1)
	add(s2)
	err := s2.Save(two, w2)
	for errors.Is(err, session.ErrConflict) {
		fmt.Println("again")
		s2, _ = store.New(two, "session-name")
		add(s2)
		err = s2.Save(two, w2)
	}
	fmt.Println(s2.Values["n"], err)
	// Output:
	// again
	// 3 <nil>
}

// Sign out everywhere, by the Manager of the sessions of that name.
func ExampleStore_Session() {
	store := gorillaholdfast.NewStore(memory.New())
	r, w := httptest.NewRequest("POST", "https://example.org/login", nil), httptest.NewRecorder()

	s, _ := store.Get(r, "session-name")
	s.ID = "" // a new ID at every login
	s.Values["user"] = "ann"
	store.Session(s).SetOwner("ann")
	fmt.Println(s.Save(r, w))

	m, err := store.Manager("session-name")
	fmt.Println(err, m.RevokeAll(r.Context(), "ann"))

	later := httptest.NewRequest("GET", "https://example.org/", nil)
	later.AddCookie(w.Result().Cookies()[0])
	s, _ = store.Get(later, "session-name")
	fmt.Println(s.IsNew)
	// Output:
	// <nil>
	// <nil> <nil>
	// true
}
