// Login is a small shop: it signs people up, in and out, also on their other devices,
// keeps their basket in the session, and shows the effect of twenty parallel requests on
// it. The accounts are in memory, whatever the store is: after a restart they are gone, and
// everyone is signed out. A real shop keeps them in a database.
//
//	go run ./examples/login
//	go run ./examples/login -store sqlite:shop.db
//	go run ./examples/login -store redis://localhost:6379/0
//	go run ./examples/login -store postgres://user:password@localhost/database
//	go run ./examples/login -store mysql://user:password@localhost/database
//	go run ./examples/login -store 'dynamodb://sessions?endpoint=http://localhost:8000'
//	go run ./examples/login -store etcd://localhost:2379
//	go run ./examples/login -store 'nats://localhost:4222?bucket=sessions'
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to serve; port 0 picks a free one")
	store := flag.String("store", "memory:", storeUsage)
	insecure := flag.Bool("insecure", false, "let browsers keep the cookie over plain HTTP: for Safari, and addresses other than localhost")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("what is %q? See -help.", flag.Arg(0))
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	if err := run(ctx, *addr, *store, session.Config{Cookie: session.Cookie{Insecure: *insecure}}); err != nil {
		log.Fatal(err)
	}
}

// run serves the shop until ctx ends, and then finishes the running requests.
func run(ctx context.Context, addr, storeURL string, cfg session.Config) error {
	store, closeStore, err := openStore(ctx, storeURL)
	if err != nil {
		return err
	}
	defer closeStore()
	shop, err := newShop(ctx, store, cfg)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w\nchoose another address with -addr", err)
	}
	server := &http.Server{
		Handler:           shop,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
	}

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("serving http://%s\n", browserAddr(addr, listener))

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.Print("finishing the requests in flight")
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return err
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// browserAddr returns the address to type into a browser. Over plain HTTP, browsers keep
// Secure cookies only for localhost and loopback addresses.
func browserAddr(addr string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return net.JoinHostPort(host, port)
}
