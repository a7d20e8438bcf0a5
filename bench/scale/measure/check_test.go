package measure_test

import (
	"runtime"
	"testing"
)

// A bound is what a figure must be at least and at most. Times have no bounds but those that
// tell a figure from none.
type bound struct {
	name, unit string
	min, max   float64
}

const most = 1e12

var bounds = []bound{
	{"Fill", "sec", 1e-3, most},
	{"Fill", "data-B/session", 250, 350},
	{"Visit/route=read/size=small", "p50-sec", 1e-6, 10},
	{"Visit/route=read/size=large", "p50-sec", 1e-6, 10},
	{"Visit/route=change/size=small", "p99-sec", 1e-6, 10},
	{"Visit/route=change/size=large", "p99-sec", 1e-6, 10},
	{"Job/job=list", "sessions", 1000, most},
	{"Job/job=list", "RSS-B", 1e6, 1e9},
	{"Job/job=copy", "B/session", 250, 1000},
	{"Job/job=own-backup", "B/session", 100, 2000},
	{"Beside/job=list/route=read/phase=before", "p50-sec", 1e-6, 10},
	{"Beside/job=copy/route=change/phase=during", "requests", 1, most},
	{"Admin/page=overview", "sec", 1e-6, 60},
	{"Admin/page=sessions", "sec", 1e-6, 60},
	{"RevokeAll/size=small", "p50-sec", 1e-6, 10},
	{"RevokeAll/size=large", "p50-sec", 1e-6, 10},
}

// ofStores are the bounds of figures that not every store has.
var ofStores = map[string][]bound{
	"SQLite": {
		{"Size/part=file", "B/session", 400, 2000},
		{"Job/job=purge", "rows", 100, most},
	},
	"PostgreSQL": {
		{"Size/part=table", "B/session", 400, 2000},
		{"Size/part=index", "B/session", 40, 500},
		{"Job/job=purge", "rows", 100, most},
		{"Kill", "ready-sec", 1e-3, 120},
		{"Kill", "lost", 0, 0},
	},
	"Redis": {
		{"Size/part=memory", "B/session", 400, 2000},
		{"Size/part=AOF", "B/session", 400, 2000},
		{"Job/job=expiry", "expired", 100, most},
		{"Job/job=hastened-expiry", "sec", 1e-6, most},
		{"Kill", "ready-sec", 1e-3, 120},
		{"Kill", "lost", 0, 0},
	},
	"Redis-Cluster": {
		{"Size/part=memory", "B/session", 400, 2000},
		{"Size/part=replicas-memory", "B/session", 400, 2000},
		{"Job/job=expiry", "expired", 100, most},
		{"Job/job=hastened-expiry", "sec", 1e-6, most},
		{"Kill/coverage=full", "recovered-sec", 0.1, 120},
		{"Kill/coverage=full", "affected", 1, keepers},
		{"Kill/coverage=part", "recovered-sec", 0.1, 120},
		{"Kill/coverage=part", "affected", 1, keepers - 1},
	},
}

func checkFigures(t *testing.T, r *results) {
	t.Helper()
	for _, b := range append(bounds, ofStores[r.store]...) {
		if b.unit == "RSS-B" && runtime.GOOS != "linux" {
			continue // not known
		}
		got, ok := r.found[b.name][b.unit]
		if !ok || got < b.min || got > b.max {
			t.Errorf("%s: %s is %v, %v; want %v to %v", b.name, b.unit, got, ok, b.min, b.max)
		}
	}
}
