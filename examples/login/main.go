// Login is a small shop: it signs people up, in and out, also on their other devices,
// keeps their basket in the session, and shows the effect of twenty parallel requests on
// it. The accounts are in memory, whatever the store is: after a restart they are gone, and
// everyone is signed out. A real shop keeps them in a database. The first user who signs up
// may open the operator's page, /admin/.
//
//	go run ./examples/login
//	go run ./examples/login -store sqlite:shop.db
//	go run ./examples/login -store redis://localhost:6379/0
//	go run ./examples/login -store postgres://user:password@localhost/database
//	go run ./examples/login -store mysql://user:password@localhost/database
//	go run ./examples/login -store 'dynamodb://sessions?endpoint=http://localhost:8000'
//	go run ./examples/login -cert cert.pem -key key.pem
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
	cert := flag.String("cert", "", "PEM `file` with the certificate, to serve HTTPS: browsers bind sessions to their device over HTTPS only")
	key := flag.String("key", "", "PEM `file` with the key of the certificate")
	required := flag.Bool("require-binding", false, "sign out browsers that do not bind the session to their device")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("what is %q? See -help.", flag.Arg(0))
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	cfg := session.Config{Cookie: session.Cookie{Insecure: *insecure}, DeviceBinding: session.BindingOffered}
	if *required {
		cfg.DeviceBinding = session.BindingRequired
	}
	if err := run(ctx, *addr, *store, cfg, *cert, *key); err != nil {
		log.Fatal(err)
	}
}

// run serves the shop until ctx ends, and then finishes the running requests.
func run(ctx context.Context, addr, storeURL string, cfg session.Config, cert, key string) error {
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
	scheme, serve := "http", func() error { return server.Serve(listener) }
	if cert != "" {
		scheme, serve = "https", func() error { return server.ServeTLS(listener, cert, key) }
	}
	go func() { served <- serve() }()
	fmt.Printf("serving %s://%s\n", scheme, browserAddr(addr, listener))

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
