// Package stores has the providers that the tests of this module run on, each on
// its real server. Tests that use it have a TestMain that calls testserver.Main.
package stores

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
)

// Store is a provider and its server.
type Store struct {
	Name   string
	shared func(testing.TB) string // starts the shared server; its URL
	// open returns a provider, and what removes its table; nil: it needs none.
	open func(tb testing.TB, url, space string) (provider.Provider, func(context.Context))
}

// All returns every store.
func All() []Store {
	all := []Store{
		Memory,
		SQLite,
		Redis,
		RedisCluster,
		Postgres,
		MySQL,
		DynamoDB,
		Etcd,
		Nats,
		NatsReplicas,
		HTTP,
		Cloudflare,
	}
	if testserver.CockroachURL() != "" {
		all = append(all, Cockroach)
	}
	return all
}

// Each runs a test on every store, one after the other.
func Each(t *testing.T, test func(*testing.T, Store)) {
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}

// EachProvider runs a test on each provider once, on one of its servers, one after the
// other. It is for tests of what is built on a provider.
func EachProvider(t *testing.T, test func(*testing.T, Store)) {
	for _, s := range All() {
		switch s.Name {
		case RedisCluster.Name, NatsReplicas.Name, Cloudflare.Name: // of redis, nats and http
			continue
		}
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}

// New returns an empty provider on the shared server.
func (s Store) New(tb testing.TB) provider.Provider { return s.Instances(tb, 1)[0] }

// Instances returns providers on the shared server that have their records in
// common, at first none, each with a client of its own: an app of n processes. Of
// memory there is only one, n times over.
func (s Store) Instances(tb testing.TB, n int) []provider.Provider {
	tb.Helper()
	server, space := s.Server(tb), Space()
	all := make([]provider.Provider, n)
	for i := range all {
		all[i] = s.At(tb, server, space)
	}
	return all
}

// Server returns the URL of the shared server, which At takes.
func (s Store) Server(tb testing.TB) string {
	tb.Helper()
	return s.shared(tb)
}

// Named returns the store of that name.
func Named(name string) Store {
	for _, s := range All() {
		if s.Name == name {
			return s
		}
	}
	panic("stores: there is no " + name)
}

// At returns a provider on the server with that URL, as testserver.Server has it.
// Providers with the same server and space have their records in common.
func (s Store) At(tb testing.TB, url, space string) provider.Provider {
	tb.Helper()
	p, remove := s.open(tb, url, space)
	switch p := p.(type) {
	case interface{ CreateTable(context.Context) error }:
		must(tb, "create the table", p.CreateTable)
	case interface{ CreateBucket(context.Context) error }:
		must(tb, "create the bucket", p.CreateBucket)
	}
	if remove != nil {
		cleanup(tb, remove)
	}
	return p
}

// Visit returns a provider on a space that is there already, which has no connection
// yet, and what closes it.
func (s Store) Visit(tb testing.TB, url, space string) (p provider.Provider, done func()) {
	tb.Helper()
	v := &visit{TB: tb}
	p, _ = s.open(v, url, space)
	return p, v.end
}

// visit is a test that ends before the whole one does.
type visit struct {
	testing.TB
	cleanups []func()
}

// Cleanup implements testing.TB.
func (v *visit) Cleanup(f func()) { v.cleanups = append(v.cleanups, f) }

func (v *visit) end() {
	for _, f := range slices.Backward(v.cleanups) {
		f()
	}
}

// Through returns the URL of a server as seen through a proxy at addr.
func Through(addr, server string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic("stores: the server's URL cannot be read")
	}
	u.Host = addr
	return u.String()
}

// Space returns a new name for a key prefix or a table.
func Space() string { return "test_" + strings.ToLower(rand.Text()) }
