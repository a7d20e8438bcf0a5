package stores

import (
	"context"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
)

// SQLite is provider/sqlite on a file, with a table per space. Each provider has
// connections of its own, as each process has.
var SQLite = Store{
	Name:   "sqlite",
	shared: func(tb testing.TB) string { return tb.TempDir() + "/sessions.db" },
	open: func(tb testing.TB, path, space string) (provider.Provider, func(context.Context)) {
		p, err := opensqlite.Open(path, opensqlite.Table(space), opensqlite.PurgeInterval(0))
		if err != nil {
			tb.Fatalf("stores: sqlite: %v", err)
		}
		tb.Cleanup(func() { p.Close() })
		return p, func(context.Context) {}
	},
}
