// Oidc is a site whose users sign in at an OpenID provider. When the provider ends a user's
// session, it tells the site, which ends its own sessions of that user: by back-channel
// logout, and by security events. The example brings a provider with it.
//
//	go run ./examples/oidc
//
// Sign in at the site, end the session at the provider's page, and load the page of the
// site again.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/examples/oidc/identity"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` of the site")
	providerAddr := flag.String("provider-addr", "localhost:8081", "`host:port` of the OpenID provider")
	flag.Parse()
	log.Fatal(run(*addr, *providerAddr))
}

// run serves both until one of them fails.
func run(addr, providerAddr string) error {
	siteURL, issuer := "http://"+addr, "http://"+providerAddr
	const clientID, clientSecret = "site", "the secret that the site and the provider share"
	p, err := identity.New(issuer, identity.Client{ID: clientID, Secret: clientSecret, URL: siteURL})
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	if err := serve(failed, providerAddr, p); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	site, err := New(ctx, Options{Store: memory.New(), URL: siteURL, Issuer: issuer, ClientID: clientID, ClientSecret: clientSecret})
	if err != nil {
		return err
	}
	if err := serve(failed, addr, site.Routes()); err != nil {
		return err
	}
	fmt.Printf("serving %s; the sessions at the provider are at %s/sessions\n", siteURL, issuer)
	return <-failed
}

// serve begins to serve, and sends the error with which that ends.
func serve(failed chan<- error, addr string, h http.Handler) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	go func() { failed <- server.Serve(listener) }()
	return nil
}
