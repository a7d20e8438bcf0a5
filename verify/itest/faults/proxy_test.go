package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// proxy is a toxiproxy in front of one server.
type proxy struct {
	tb    testing.TB
	proxy *toxiproxy.Proxy
}

// newProxy starts a proxy for a server at an address. Its port is none that an
// outgoing connection might take while move has it closed.
func newProxy(tb testing.TB, upstream string) *proxy {
	tb.Helper()
	quiet := zerolog.Nop()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), quiet)
	var err error
	for range 5 { // another may be faster to take the port
		p := &proxy{tb, toxiproxy.NewProxy(server, "store", testserver.FreeAddr(tb), upstream)}
		if err = p.proxy.Start(); err == nil {
			tb.Cleanup(p.proxy.Stop)
			return p
		}
	}
	tb.Fatalf("proxy: %v", err)
	return nil
}

// through returns the URL of the server as seen through the proxy.
func (p *proxy) through(url string) string { return stores.Through(p.proxy.Listen, url) }

// A toxic is what toxiproxy does to one direction of all connections, those that
// are open and those to come.
type toxic struct {
	Type       string           `json:"type"`
	Stream     string           `json:"stream"` // upstream: to the server
	Attributes map[string]int64 `json:"attributes"`
}

const (
	up   = "upstream"
	down = "downstream"
)

// poison adds toxics. Like all methods it may be called by any goroutine.
func (p *proxy) poison(toxics ...toxic) {
	p.tb.Helper()
	for _, t := range toxics {
		var text bytes.Buffer
		err := json.NewEncoder(&text).Encode(t)
		if err == nil {
			_, err = p.proxy.Toxics.AddToxicJson(&text)
		}
		if err != nil {
			p.tb.Errorf("proxy: %s: %v", t.Type, err)
		}
	}
}

// heal removes the toxics. Connections that they have harmed stay broken.
func (p *proxy) heal() { p.proxy.Toxics.ResetToxics(p.tb.Context()) }

// drainAndHeal is heal after all that has been sent has met the toxics: on a slow machine the
// proxy may not have read it yet, and would pass it on. It may be called by any
// goroutine.
func (p *proxy) drainAndHeal() {
	p.tb.Helper()
	conn, err := net.Dial("tcp", p.proxy.Listen) // it is accepted after all others
	switch {
	case err == nil:
		defer conn.Close()
	case errors.Is(err, syscall.ECONNRESET): // by a toxic, to which a server that greets has spoken
	default:
		p.tb.Errorf("proxy: %v", err)
		return
	}
	ctx, cancel := context.WithTimeout(p.tb.Context(), unreadAtMost)
	defer cancel()
	for unread(p.proxy.Listen) > 0 && witness.Wait(ctx, time.Millisecond) {
	}
	p.heal()
}

// unreadAtMost is how long drainAndHeal waits: toxiproxy leaves some of what is sent
// over a connection that it has cut unread.
const unreadAtMost = 3 * time.Second

// move cuts all connections and passes new ones on to another server.
func (p *proxy) move(upstream string) {
	p.tb.Helper()
	to := &toxiproxy.Proxy{Listen: p.proxy.Listen, Upstream: upstream, Enabled: true}
	ctx, cancel := context.WithTimeout(p.tb.Context(), patience)
	defer cancel()
	for {
		err := p.proxy.Update(to)
		if err == nil {
			return
		}
		if !witness.Wait(ctx, pace) { // another may be trying whether the port is free
			p.tb.Errorf("proxy: %v", err)
			return
		}
	}
}
