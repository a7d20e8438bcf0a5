// Customprovider keeps its sessions in files, with a provider of its own: package
// filestore in the same directory. Sessions survive a restart, and instances with the
// same directory share them:
//
//	go run ./examples/customprovider -dir sessions
//	go run ./examples/customprovider -dir sessions -addr localhost:8081
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

func main() {
	dir := flag.String("dir", "sessions", "the `directory` to keep sessions in")
	addr := flag.String("addr", "localhost:8080", "the `host:port` to serve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir, *addr); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dir, addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w\nchoose another address with -addr", err)
	}
	defer listener.Close()
	store, err := filestore.Open(dir)
	if err != nil {
		return err
	}
	defer store.Close()
	handler, err := newHandler(store)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(ctx)
	var sweeper sync.WaitGroup
	defer sweeper.Wait()
	defer cancel()
	sweeper.Go(func() { sweep(ctx, store) })

	log.Printf("serving http://%s, sessions are in %s and survive a restart", addr, dir)
	return serve(ctx, listener, handler)
}

// serve serves until the context ends, and then lets requests finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	}
}

// sweep removes expired sessions until the context ends.
func sweep(ctx context.Context, store *filestore.Store) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := store.Sweep(ctx); err != nil {
				log.Print(err)
			}
		}
	}
}

var visits = session.NewKey[int]("visits")

func newHandler(store provider.Provider) (http.Handler, error) {
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", sessions.HandlerFunc(count))
	return mux, nil
}

const page = `<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<title>Visits</title>
<style>body { font: 1.2rem system-ui; margin: 15vh auto; max-width: 30rem; padding: 0 1rem; color-scheme: light dark }</style>
<h1>Visit %d</h1>
<p>Counted by process %d. Stop it, start it again, and <a href="/">visit again</a>.
</html>
`

func count(w http.ResponseWriter, _ *http.Request, s *session.Session) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, page, visits.Update(s, func(n int) int { return n + 1 }), os.Getpid())
}
