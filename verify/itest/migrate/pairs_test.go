package migrate_test

import (
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// A pair is the stores that sessions are moved between.
type pair struct{ from, to stores.Store }

// pairs are those that all tests of this package run on. A process of its own cannot reach
// stores.Memory; stores.HTTP is a store in the memory of another process.
var pairs = []pair{
	{stores.Redis, stores.Postgres},
	{stores.Postgres, stores.SQLite},
	{stores.HTTP, stores.Redis},
}

func (p pair) String() string { return p.from.Name + " to " + p.to.Name }

func eachPair(t *testing.T, test func(*testing.T, pair)) {
	for _, p := range pairs {
		t.Run(p.String(), func(t *testing.T) { test(t, p) })
	}
}

var errBroken = errors.New("broken connection")

// A phase is how an instance uses the two stores.
type phase string

const (
	oldAlone phase = "the old store alone"
	prepares phase = "Prepare"
	moves    phase = "Move"
	newAlone phase = "the new store alone"
)

// in returns an instance in a phase.
func (f phase) in(tb testing.TB, from, to provider.Provider) provider.Provider {
	tb.Helper()
	switch f {
	case oldAlone:
		return from
	case newAlone:
		return to
	}
	p, err := migrate.New(from, to, migrate.Options{Prepare: f == prepares})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}
