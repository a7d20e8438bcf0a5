// Moving counts visits, while its sessions move from Redis to PostgreSQL. See
// docs/moving.md.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/holdfast-go/holdfast/session"
)

var visits = session.NewKey[int]("visits")

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to serve")
	flag.Parse()
	site, err := newSite(context.Background(), cmp.Or(os.Getenv("SESSION_PHASE"), "redis"))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("serving http://%s", *addr)
	log.Fatal(http.ListenAndServe(*addr, site))
}

// newSite returns the site in a phase.
func newSite(ctx context.Context, phase string) (http.Handler, error) {
	store, err := openStore(ctx, phase)
	if err != nil {
		return nil, err
	}
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		return nil, err
	}
	return sessions.HandlerFunc(func(w http.ResponseWriter, _ *http.Request, s *session.Session) {
		fmt.Fprintln(w, "visit", visits.Update(s, func(n int) int { return n + 1 }))
	}), nil
}
