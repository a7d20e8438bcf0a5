package session_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A remoteStore counts how often it is read.
type remoteStore struct {
	provider.Provider
	reads atomic.Int64
}

func (s *remoteStore) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	s.reads.Add(1)
	return s.Provider.Fetch(ctx, id)
}

// Pages that only read the session are served from a copy of it, which is 5 seconds old at
// most.
func ExampleReadCache() {
	store := &remoteStore{Provider: memory.New()}
	sessions, err := session.New(store, session.Config{
		SigningKeys: [][]byte{make([]byte, 32)}, // for the example only
		Cookie:      session.Cookie{Insecure: true},
		ReadCache:   session.ReadCache{MaxStale: 5 * time.Second},
	})
	if err != nil {
		log.Fatal(err)
	}
	name := session.NewKey[string]("name")
	mux := http.NewServeMux()
	mux.HandleFunc("POST /name", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		name.Set(s, r.FormValue("name"))
	}))
	mux.HandleFunc("GET /", sessions.HandlerFunc(func(w http.ResponseWriter, r *http.Request, s *session.Session) {
		n, _ := name.Get(s)
		fmt.Fprint(w, "Hello ", n)
	}))
	server := httptest.NewServer(mux)
	defer server.Close()

	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	if _, err := browser.PostForm(server.URL+"/name", url.Values{"name": {"Ann"}}); err != nil {
		log.Fatal(err)
	}
	for range 10 {
		res, err := browser.Get(server.URL)
		if err != nil {
			log.Fatal(err)
		}
		page, _ := io.ReadAll(res.Body)
		if string(page) != "Hello Ann" {
			log.Fatalf("%s", page)
		}
	}
	fmt.Println(store.reads.Load(), "reads of the store,", sessions.ReadCacheStats().Hits, "of copies")

	// Output:
	// 0 reads of the store, 10 of copies
}
