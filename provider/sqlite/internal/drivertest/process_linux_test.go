package drivertest

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

const (
	increments        = 50 // of each writer
	writersPerProcess = 3
)

// count increments the number in a record, with several writers at a time.
func count(ctx context.Context, p *sqlite.Provider, _ *sql.DB) error {
	errs := make([]error, writersPerProcess)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for range increments {
				if _, err := grow(ctx, p, "counter"); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// appendForever appends to the list in a record, and prints what was acknowledged.
func appendForever(ctx context.Context, p *sqlite.Provider, _ *sql.DB) error {
	for {
		version, err := grow(ctx, p, "list")
		if err != nil {
			return err
		}
		fmt.Fprintln(out, version)
	}
}

// grow appends a new version to the list of all versions that is a record's data.
func grow(ctx context.Context, p provider.Provider, id string) (version int64, err error) {
	version = 1 + rand.Int64N(1<<62)
	base, err := p.Fetch(ctx, id)
	for {
		if err != nil {
			return 0, err
		}
		rec := &provider.Record{ID: id, Version: version, Data: binary.BigEndian.AppendUint64(base.Data, uint64(version))}
		err = p.Save(ctx, rec, base.Version)
		conflict, ok := errors.AsType[*provider.ConflictError](err)
		switch {
		case err == nil:
			return version, nil
		case ok && conflict.Current != nil:
			base, err = conflict.Current, nil
		}
	}
}

// versions returns the list of versions in a record.
func versions(t *testing.T, p provider.Provider, id string) (all []int64) {
	t.Helper()
	rec, err := p.Fetch(t.Context(), id)
	must(t, err)
	for data := rec.Data; len(data) > 0; data = data[8:] {
		all = append(all, int64(binary.BigEndian.Uint64(data)))
	}
	return all
}

// Four processes with several writers each, of both drivers, share a file: no change is
// lost or made twice.
func TestProcessesShareAFile(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, path := b.store(t)
		storetest.Save(t, p, &provider.Record{ID: "counter", Version: 1}, 0, nil)
		var children []*child
		for i := range 4 {
			children = append(children, []backend{ncruces, modernc}[i%2].start(t, "count", path))
		}
		for _, c := range children {
			c.end()
		}
		got := versions(t, p, "counter")
		slices.Sort(got)
		if n := len(slices.Compact(slices.Clone(got))); n != len(got) || n != 4*writersPerProcess*increments {
			t.Errorf("%d changes, %d of them different, want %d", len(got), n, 4*writersPerProcess*increments)
		}
	})
}

// Whatever a process does when it is killed, what it has acknowledged is there, and the
// others go on.
func TestKilledProcessLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, path := b.store(t)
		storetest.Save(t, p, &provider.Record{ID: "list", Version: 1}, 0, nil)
		acked := map[int64]bool{}
		for range 8 {
			victim, survivor := b.start(t, "append", path), b.start(t, "append", path)
			note(t, acked, victim.line())
			for range rand.IntN(30) {
				note(t, acked, victim.line())
			}
			for _, line := range victim.kill() {
				note(t, acked, line)
			}
			for range 50 {
				note(t, acked, survivor.line())
			}
			for _, line := range survivor.kill() {
				note(t, acked, line)
			}
		}
		all := map[int64]int{}
		for _, version := range versions(t, p, "list") {
			all[version]++
		}
		for version := range acked {
			if all[version] != 1 {
				t.Errorf("a change that was acknowledged is there %d times", all[version])
			}
		}
		if got := value[string](t, db, "PRAGMA integrity_check"); got != "ok" {
			t.Errorf("integrity_check: %s", got)
		}
		if len(all)-len(acked) > 16 { // one in doubt for each that was killed
			t.Errorf("%d changes, but %d were acknowledged", len(all), len(acked))
		}
	})
}

func note(t *testing.T, acked map[int64]bool, line string) {
	t.Helper()
	version, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		t.Fatalf("a child prints %q", line)
	}
	acked[version] = true
}

// hold takes the lock for writing, in the middle of a change, and keeps it.
func hold(ctx context.Context, _ *sqlite.Provider, db *sql.DB) error {
	tx, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	for _, query := range []string{"BEGIN IMMEDIATE", "DELETE FROM holdfast_sessions"} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "holds")
	select {}
}

// A process that is frozen while it holds the lock keeps others from writing, and not
// from reading. When it is gone, nothing of its change is there.
func TestFrozenProcessHoldsTheLock(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, path := b.store(t)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		holder := b.start(t, "hold", path)
		if got := holder.line(); got != "holds" {
			t.Fatalf("the child prints %q: %s", got, &holder.stderr)
		}
		holder.freeze()
		storetest.Eventually(t, "an error that names the lock", func() bool { // on a slow machine the time may be over before
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			err := p.Save(ctx, storetest.Next(rec), rec.Version)
			wantTimedOut(t, err)
			storetest.WantRecord(t, p, rec)
			return errors.Is(err, provider.ErrRefused) && strings.Contains(fmt.Sprint(err), "locked by another connection")
		})
		holder.kill()
		storetest.WantRecord(t, p, rec)
		storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
	})
}

// A process that is frozen at any moment changes nothing for others but how long they
// wait. A Save of another succeeds, or has certainly not been saved, unless its time is
// over while it runs.
func TestFrozenProcess(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, path := b.store(t)
		storetest.Save(t, p, &provider.Record{ID: "list", Version: 1}, 0, nil)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		writer := b.start(t, "append", path)
		if writer.line() == "" {
			t.Fatal(&writer.stderr)
		}
		for range 30 {
			writer.freeze()
			later := storetest.Next(rec)
			saveErr := saveBriefly(t, p, later, rec.Version)
			read, readErr := fetchBriefly(t, p, rec.ID)
			writer.thaw()
			current, err := p.Fetch(t.Context(), rec.ID)
			must(t, err)
			if saved := current.Version == later.Version; saveErr == nil && !saved || errors.Is(saveErr, provider.ErrNotSaved) && saved {
				t.Errorf("Save: got error %v, but the record has version %d, not %d", saveErr, current.Version, later.Version)
			}
			if readErr == nil && read.Version != current.Version {
				t.Errorf("Fetch: got version %d, want %d", read.Version, current.Version)
			}
			rec = current
			for range 1 + rand.IntN(3) {
				writer.line()
			}
		}
		storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
	})
}

// saveBriefly saves rec unless that takes longer than other writers usually do.
func saveBriefly(t *testing.T, p provider.Provider, rec *provider.Record, expected int64) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := p.Save(ctx, rec, expected)
	if err != nil {
		wantTimedOut(t, err)
	}
	return err
}

func fetchBriefly(t *testing.T, p provider.Provider, id string) (*provider.Record, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	rec, err := p.Fetch(ctx, id)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Fetch: got error %v, want DeadlineExceeded", err)
	}
	return rec, err
}

// A process that is frozen while it publishes a commit keeps others from reading. When it
// is gone, all is there.
func TestFrozenWhilePublishing(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		t.Parallel() // SQLite waits for ten seconds
		p, _, path := b.store(t)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		holder := b.start(t, "hold", path)
		if got := holder.line(); got != "holds" {
			t.Fatalf("the child prints %q: %s", got, &holder.stderr)
		}
		holder.freeze()
		changeIndexHeader(t, path)
		if _, err := fetchBriefly(t, p, rec.ID); err == nil {
			t.Error("Fetch returned a record, although the index of the write-ahead log is being written")
		}
		holder.kill()
		storetest.WantRecord(t, p, rec)
		storetest.Save(t, p, storetest.Next(rec), rec.Version, nil)
	})
}

// changeIndexHeader changes one of the two copies of the header of the index of the
// write-ahead log, as a commit does before it changes the other: see the description of
// SQLite's [WAL-index format].
//
// [WAL-index format]: https://sqlite.org/walformat.html#the_wal_index_header
func changeIndexHeader(t *testing.T, path string) {
	t.Helper()
	const counter = 8 // the offset of the transaction counter
	shm, err := os.OpenFile(path+"-shm", os.O_RDWR, 0)
	must(t, err)
	defer shm.Close()
	var b [1]byte
	if _, err := shm.ReadAt(b[:], counter); err != nil {
		t.Fatal(err)
	}
	b[0]++
	if _, err := shm.WriteAt(b[:], counter); err != nil {
		t.Fatal(err)
	}
}

// purgeForever fills the table with expired records and removes them.
func purgeForever(ctx context.Context, p *sqlite.Provider, db *sql.DB) error {
	for {
		if _, err := db.ExecContext(ctx, fillSQL("'x' || random() || i", "1"), 1000); err != nil {
			return err
		}
		fmt.Fprintln(out, "purging")
		if _, err := p.Purge(ctx); err != nil {
			return err
		}
	}
}

// A purge that is killed does no harm.
func TestKilledPurge(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, path := b.store(t)
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		run(t, db, fillSQL("'live' || i", "0"), 100)
		for range 8 {
			c := b.start(t, "purge", path)
			if got := c.line(); got != "purging" {
				t.Fatalf("the child prints %q: %s", got, &c.stderr)
			}
			time.Sleep(rand.N(15 * time.Millisecond))
			c.kill()
			if got := value[int](t, db, liveSQL); got != 101 {
				t.Errorf("%d live records, want 101", got)
			}
			storetest.WantRecord(t, p, rec)
		}
		if _, err := p.Purge(t.Context()); err != nil {
			t.Error(err)
		}
		if got := value[int](t, db, "SELECT count(*) FROM holdfast_sessions"); got != 101 {
			t.Errorf("%d records after the purge, want 101", got)
		}
		if got := value[string](t, db, "PRAGMA integrity_check"); got != "ok" {
			t.Errorf("integrity_check: %s", got)
		}
	})
}
