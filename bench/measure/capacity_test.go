package measure_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	mathrand "math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/holdfast-go/holdfast/internal/capacity"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
)

// storeCalls is how many calls of a store are made at a time to fill it, and to measure the
// CPU time of its server.
const storeCalls = 32

// BenchmarkCapacity measures the numbers of internal/capacity: the room of a record by the
// size of its data, and the CPU time of the server for a call. It takes half an hour:
//
//	go test ./measure -run '^$' -bench Capacity -benchtime 1x -timeout 2h
func BenchmarkCapacity(b *testing.B) {
	for _, s := range openStores {
		for _, data := range []int{100, 300, 1000, 3000} {
			b.Run(fmt.Sprintf("store=%s/bytes=%d", s.name, data), func(b *testing.B) {
				store := openAndCreate(b, s.open)
				if store.size == nil {
					b.Skip("the store has no size of its own")
				}
				for b.Loop() {
					measureCapacity(b, store, data)
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func measureCapacity(b *testing.B, store openedStore, data int) {
	const n = 50_000
	resident := childrenUsage(b).resident
	records, grown := fillAndSize(b, store, n, data)
	b.ReportMetric(grown, "B/record")
	b.ReportMetric(float64(childrenUsage(b).resident-resident)/n, "resident-B/record")
	b.ReportMetric(cpuOfCalls(b, records, func(r *sizedRecord) error {
		_, err := store.Fetch(context.Background(), r.id)
		return err
	}), "cpu-ns/fetch")
	b.ReportMetric(cpuOfCalls(b, records, func(r *sizedRecord) error {
		r.version++
		return store.Save(context.Background(), r.next(), r.version-1)
	}), "cpu-ns/save")
}

// cpuOfCalls returns the CPU time of the servers for each call, in nanoseconds.
func cpuOfCalls(b *testing.B, records []sizedRecord, call func(*sizedRecord) error) float64 {
	before := childrenUsage(b).cpu
	inParallel(b, mathrand.Perm(len(records)), func(i int) error { return call(&records[i]) })
	return float64((childrenUsage(b).cpu - before).Nanoseconds()) / float64(len(records))
}

// The table of internal/capacity is true of real servers. They need not wait for the disk: the
// room is the same.
func TestCapacity(t *testing.T) {
	const data, tolerance = 300, 0.15
	for kind, store := range map[string]struct {
		open    func(testing.TB) openedStore
		records int
	}{
		"sqlite": {
			func(tb testing.TB) openedStore { return sqliteWith(tb, opensqlite.Synchronous(opensqlite.Normal)) }, 10_000,
		},
		"redis": {func(tb testing.TB) openedStore { return redisAt(tb, testserver.Redis(tb).Addr) }, 10_000},
		"postgres": {
			func(tb testing.TB) openedStore { return postgresAt(tb, testserver.Postgres(tb, "fsync=off").URL) }, 10_000,
		},
		"mysql": { // a table grows by extents of 1 MiB, the room of 1,600 records
			func(tb testing.TB) openedStore {
				return mariaDBAt(tb, testserver.MariaDB(tb, "--innodb-flush-log-at-trx-commit=0").URL)
			}, 50_000,
		},
	} {
		t.Run(kind, func(t *testing.T) {
			_, got := fillAndSize(t, openAndCreate(t, store.open), store.records, data)
			want := capacity.RoomOf(kind, data)
			t.Logf("a record of %d bytes takes %.0f; the table says %.0f", data, got, want)
			if got < want*(1-tolerance) || got > want*(1+tolerance) {
				t.Errorf("that differs by more than %v: measure again by BenchmarkCapacity", tolerance)
			}
		})
	}
}

// fillAndSize saves n new records and returns them, with the bytes by which the store has
// grown for each.
func fillAndSize(tb testing.TB, store openedStore, n, data int) (records []sizedRecord, grown float64) {
	tb.Helper()
	fillSized(tb, store, 100, data) // the first take what is reserved for all
	before := mustSize(tb, store)
	records = fillSized(tb, store, n, data)
	grown = float64(mustSize(tb, store)-before) / float64(n)
	runtime.KeepAlive(store)
	return records, grown
}

// fillSized saves n new records, with data of this size as a mean.
func fillSized(tb testing.TB, p provider.Provider, n, data int) []sizedRecord {
	tb.Helper()
	records, all := make([]sizedRecord, n), make([]int, n)
	for i := range records {
		id := make([]byte, 32)
		rand.Read(id)
		records[i] = sizedRecord{id: base64.RawURLEncoding.EncodeToString(id), version: 1 << 32, size: data/2 + mathrand.IntN(data)}
		all[i] = i
	}
	inParallel(tb, all, func(i int) error { return p.Save(context.Background(), records[i].next(), 0) })
	return records
}

// sizedRecord is a record without its data, so that it takes no room here.
type sizedRecord struct {
	id      string
	version int64
	size    int
}

// next returns the record with other data.
func (r *sizedRecord) next() *provider.Record {
	data := make([]byte, r.size)
	rand.Read(data)
	return &provider.Record{ID: r.id, Version: r.version, Format: "cbor", Data: data, ExpiresAt: time.Now().Add(idleTimeout)}
}

// inParallel calls do for each number, storeCalls at a time.
func inParallel(tb testing.TB, numbers []int, do func(int) error) {
	tb.Helper()
	var group errgroup.Group
	group.SetLimit(storeCalls)
	for _, i := range numbers {
		group.Go(func() error { return do(i) })
	}
	if err := group.Wait(); err != nil {
		tb.Fatal(err)
	}
}
