package measure_test

import (
	"context"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

// A store is one that is measured, and a small one of the same kind beside it.
type store struct {
	large, small string // URLs
	bulk         func(ctx context.Context, url string) (bulkWriter, error)

	// sizes returns the bytes that the parts of the large store take, such as its memory.
	sizes func(context.Context) (map[string]int64, error)

	// expire lets the sessions of these IDs expire at a moment that is at least 4 periods away.
	// Gone returns when the store has removed them, or after a while, and says how many it
	// has; it may be called again. Expire is nil if expired sessions stay until they are
	// purged.
	expire func(ctx context.Context, ids []string) (at time.Time, gone func() (int64, error), err error)

	// hasten lets the store make more effort to remove expired sessions; nil with expire.
	hasten func(context.Context) error

	backup ownBackup
	kills  []kill // in this order; none: the store has no server
}

// A kill is what happens to a server of a store.
type kill struct {
	labels string                      // of the figures
	set    func(context.Context) error // changes a setting before; nil: none
	victim *testserver.Server
	heir   *testserver.Server // takes over from victim; nil: victim is restarted
}

// ownBackup is the way in which a store itself is backed up.
type ownBackup struct {
	name string
	run  func(ctx context.Context, dir string) (size int64, err error)
}

// stores are the kinds of stores that are measured. Their servers wait for the disk before
// they acknowledge a change, except those of the cluster.
var stores = []struct {
	name  string
	count *int
	start func(*testing.T) *store
}{
	{"SQLite", sessionCount, startSQLite},
	{"PostgreSQL", sessionCount, startPostgres},
	{"Redis", sessionCount, startRedis},
	{"Redis-Cluster", clusterCount, startCluster},
}
