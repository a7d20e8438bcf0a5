package faults_test

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// broadcasts are the stores that have messages.
var broadcasts = map[string]bool{
	stores.Redis.Name: true, stores.Postgres.Name: true, stores.Etcd.Name: true, stores.Nats.Name: true, stores.HTTP.Name: true,
}

// TestListen tests all stores at the same time, since most of it is waiting for pings.
func TestListen(t *testing.T) {
	stores.HTTP.Server(t) // runs on
	checkLeaks(t)
	var group sync.WaitGroup
	defer group.Wait()
	for _, s := range subjects {
		group.Go(func() {
			t.Run(s.Name, func(t *testing.T) {
				if s.Name == stores.HTTP.Name { // one with messages; only the network is harmed
					testListen(t, s, s.Server(t))
					return
				}
				testListen(t, s, s.serve(t).URL)
			})
		})
	}
}

// A Listen whose connection is harmed ends, with the intervals that programs have. The next
// one hears messages.
func testListen(t *testing.T, s subject, server string) {
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	proxy := newProxy(t, u.Host)
	p := s.At(t, proxy.through(server), stores.Space())
	if err := provider.Broadcast(t.Context(), p, []byte("message")); broadcasts[s.Name] && err != nil || !broadcasts[s.Name] && !errors.Is(err, errors.ErrUnsupported) {
		t.Fatalf("Broadcast: got error %v", err)
	}
	if !broadcasts[s.Name] {
		return
	}
	for _, fault := range []struct {
		name   string
		toxics []toxic
	}{
		{"reset", resetAnswers},
		{"black hole", blackHole},
		{"black hole for answers", noAnswers},
	} {
		t.Run(fault.name, func(t *testing.T) {
			l := storetest.Listen(t, p)
			hears(t, l, p)
			proxy.poison(fault.toxics...)
			if err := l.End(); err == nil {
				t.Error("got no error")
			}
			proxy.heal()
			storetest.Eventually(t, "Listen begins again", func() bool {
				l = storetest.StartListen(t, p)
				l.AwaitBegin()
				return l.Begun()
			})
			hears(t, l, p)
			_ = l.Cancel()
		})
	}
}

// hears wants a message to arrive. The connection of a Broadcast may still be harmed.
func hears(t *testing.T, l *storetest.Listener, p provider.Provider) {
	t.Helper()
	storetest.Eventually(t, "a message arrives", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), callGrace)
		defer cancel()
		_ = provider.Broadcast(ctx, p, []byte("message"))
		return l.Heard("message") > 0
	})
}
