package sealed_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/sealed"
	"github.com/holdfast-go/holdfast/session"
)

// The key comes from the environment.
func Example() {
	os.Setenv("SESSION_STORE_KEY", random()) // openssl rand -base64 32

	key, err := base64.StdEncoding.DecodeString(os.Getenv("SESSION_STORE_KEY"))
	if err != nil {
		log.Fatal("SESSION_STORE_KEY is not base64")
	}
	store, err := sealed.New(memory.New(), [][]byte{key}) // or a database's provider
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}

	visits := session.NewKey[int]("visits")
	site := sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprintln(w, "visit", visits.Update(s, func(n int) int { return n + 1 }))
	})
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://example.com/", nil))
	fmt.Print(w.Body)
	// Output:
	// visit 1
}

func random() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// What the store holds, and what becomes of it when somebody else changes it.
func ExampleProvider_Fetch() {
	ctx := context.Background()
	key := make([]byte, 32)
	rand.Read(key)
	database := memory.New()
	store, err := sealed.New(database, [][]byte{key})
	if err != nil {
		log.Fatal(err)
	}

	err = store.Save(ctx, &provider.Record{ID: "ann", Version: 1, Format: "text", Data: []byte("user")}, 0)
	fmt.Println("saved:", err)
	inside, _ := database.Fetch(ctx, "ann")
	fmt.Println("inside:", inside.Format)
	outside, _ := store.Fetch(ctx, "ann")
	fmt.Printf("outside: %s %s\n", outside.Format, outside.Data)

	_ = database.Save(ctx, &provider.Record{ID: "ann", Version: 2, Format: "text", Data: []byte("admin")}, 1)
	_, err = store.Fetch(ctx, "ann")
	fmt.Println("changed:", err)
	// Output:
	// saved: <nil>
	// inside: holdfast-sealed
	// outside: text user
	// changed: sealed: provider: record unreadable: it is not sealed
}

// A visitor whose record cannot be read starts anew, here after a key was lost.
// Since the keys that sign cookies are lost with it, set Config.SigningKeys where
// that matters.
func Example_lostKey() {
	signing, lost, found := make([]byte, 32), make([]byte, 32), make([]byte, 32)
	for _, key := range [][]byte{signing, lost, found} {
		rand.Read(key)
	}
	database := memory.New()
	visits := session.NewKey[int]("visits")
	site := func(key []byte) http.Handler {
		store, err := sealed.New(database, [][]byte{key})
		if err != nil {
			log.Fatal(err)
		}
		var sessions *session.Manager
		sessions, err = session.New(store, session.Config{
			SigningKeys: [][]byte{signing},
			ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
				if errors.Is(err, session.ErrUnreadable) {
					sessions.ClearCookie(w, r)
				}
				http.Error(w, "please load the page again", session.StatusCode(err))
			},
		})
		if err != nil {
			log.Fatal(err)
		}
		return sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
			fmt.Fprintln(w, "visit", visits.Update(s, func(n int) int { return n + 1 }))
		})
	}

	var cookie *http.Cookie
	for _, key := range [][]byte{lost, found, found} {
		r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
		if cookie != nil && cookie.MaxAge >= 0 {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		site(key).ServeHTTP(w, r)
		if cookies := w.Result().Cookies(); len(cookies) > 0 {
			cookie = cookies[0]
		}
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// 200 visit 1
	// 503 please load the page again
	// 200 visit 1
}

// The key that seals is the first. One that sealed before stays behind it, until
// no record of it is left.
func ExampleNew_rotation() {
	ctx := context.Background()
	oldKey, newKey := make([]byte, 32), make([]byte, 32)
	rand.Read(oldKey)
	rand.Read(newKey)
	database := memory.New()
	open := func(keys ...[]byte) *sealed.Provider {
		store, err := sealed.New(database, keys)
		if err != nil {
			log.Fatal(err)
		}
		return store
	}

	rec := &provider.Record{ID: "ann", Version: 1, Data: []byte("user")}
	_ = open(oldKey).Save(ctx, rec, 0)
	_, err := open(newKey, oldKey).Fetch(ctx, "ann")
	fmt.Println("both:", err)
	_, err = open(newKey).Fetch(ctx, "ann")
	fmt.Println("too early:", err)

	rec.Version = 2
	_ = open(newKey, oldKey).Save(ctx, rec, 1)
	_, err = open(newKey).Fetch(ctx, "ann")
	fmt.Println("saved since:", err)
	// Output:
	// both: <nil>
	// too early: sealed: provider: record unreadable: its key is not there
	// saved since: <nil>
}
