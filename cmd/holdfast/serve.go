package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/internal/storeurl"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

const (
	defaultListen  = "127.0.0.1:8090"
	shutdownGrace  = 10 * time.Second // of running requests
	purgeInterval  = 10 * time.Minute
	maxHeaderBytes = 16 << 10
)

// serveOptions are the values of the flags of serve.
type serveOptions struct {
	listen          string
	tokenFile       string
	noToken         bool
	tlsCert, tlsKey string
	plain           bool

	handlerOptions httpstore.HandlerOptions
	certificates   []tls.Certificate
}

// serveFlag defines a flag of serve.
func (j *job) serveFlag(fs *flag.FlagSet, name string) {
	switch name {
	case "listen":
		fs.StringVar(&j.listen, name, defaultListen, "the `ADDRESS`, host:port or unix:///path; port 0 picks a free one")
	case "token-file":
		fs.StringVar(&j.tokenFile, name, "", "a `FILE` with the tokens that clients may send, one a line; by default $"+storeurl.TokenEnv)
	case "no-token":
		fs.BoolVar(&j.noToken, name, false, "serve everyone who can open the Unix socket")
	case "tls-cert":
		fs.StringVar(&j.tlsCert, name, "", "a `FILE` with the certificate chain in PEM")
	case "tls-key":
		fs.StringVar(&j.tlsKey, name, "", "a `FILE` with the certificate's key in PEM")
	case "plain":
		fs.BoolVar(&j.plain, name, false, "serve other machines without TLS, in a network that is protected")
	}
}

// checkServe reads what the flags name.
func (j *job) checkServe() (err error) {
	if j.handlerOptions, err = j.readTokens(); err != nil {
		return err
	}
	if err := j.checkListen(); err != nil || j.tlsCert == "" {
		return err
	}
	pair, err := tls.LoadX509KeyPair(j.tlsCert, j.tlsKey)
	if err != nil {
		return fmt.Errorf("-tls-cert and -tls-key: %w", err)
	}
	j.certificates = []tls.Certificate{pair}
	return nil
}

// serve serves the store until it is interrupted, and then finishes the running requests.
func serve(ctx context.Context, j *job) error {
	handler, err := httpstore.Handler(j.store.Provider, j.handlerOptions)
	if err != nil {
		return err
	}
	listener, url, err := j.listener()
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than a client's
		MaxHeaderBytes:    maxHeaderBytes,
		TLSConfig:         &tls.Config{Certificates: j.certificates},
	}
	purging, stop := context.WithCancel(ctx)
	var purged sync.WaitGroup
	purged.Go(func() { j.purgeEvery(purging) })
	defer purged.Wait()
	defer stop()
	fmt.Fprintf(j.stdout, "serving %s\n", url)
	return j.serveUntil(ctx, server, listener)
}

func (j *job) serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	served := make(chan error, 1)
	go func() {
		if j.tlsCert != "" {
			served <- server.ServeTLS(listener, "", "")
			return
		}
		served <- server.Serve(listener)
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return fmt.Errorf("requests were still running %v after the signal: %w", shutdownGrace, err)
	}
	return nil
}

// readTokens returns the tokens, which are in a file or in the environment.
func (j *job) readTokens() (httpstore.HandlerOptions, error) {
	if j.noToken {
		if j.tokenFile != "" || !strings.HasPrefix(j.listen, unixScheme) {
			return httpstore.HandlerOptions{}, usageError("-no-token is for a Unix socket only, and without -token-file: everyone who can open the socket is served")
		}
		return httpstore.HandlerOptions{NoToken: true}, nil
	}
	tokens := strings.Fields(j.getenv(storeurl.TokenEnv))
	if j.tokenFile != "" {
		var err error
		if tokens, err = storeurl.ReadTokens(j.tokenFile); err != nil {
			return httpstore.HandlerOptions{}, err
		}
	}
	if len(tokens) == 0 {
		return httpstore.HandlerOptions{}, usageError("which token? Give -token-file FILE, or set " + storeurl.TokenEnv + ", to a secret as from: openssl rand -base64 32")
	}
	return httpstore.HandlerOptions{MoreTokens: tokens}, nil
}

// purgeEvery removes what has expired from a store that does not do so itself.
func (j *job) purgeEvery(ctx context.Context) {
	if j.store.Purge == nil {
		return
	}
	tick := time.NewTicker(purgeInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := j.store.Purge(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(j.stderr, "holdfast: purge:", inert(oneLine(err.Error())))
		}
	}
}

const notLoopback = "without TLS the token and the sessions would be readable in the network; give -tls-cert and -tls-key, listen on 127.0.0.1, or give -plain if the network is protected"

// isLoopback reports whether only this machine can reach an address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
