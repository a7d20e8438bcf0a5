package drivertest

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// tenth is the expiry of records of which every tenth has expired, and every eleventh
// never does.
const tenth = "CASE WHEN i % 10 = 0 THEN " + nowSQL + " - 1000 WHEN i % 11 > 0 THEN " + nowSQL + " + 3600000 ELSE 0 END"

const liveSQL = "SELECT count(*) FROM holdfast_sessions WHERE expires_at = 0 OR expires_at > " + nowSQL

func purge(t *testing.T, p *sqlite.Provider, want int64) {
	t.Helper()
	if n, err := p.Purge(t.Context()); n != want || err != nil {
		t.Fatalf("Purge: got %d and error %v, want %d", n, err, want)
	}
}

func TestPurgeRemovesTheExpired(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, _ := b.store(t)
		purge(t, p, 0)
		const n = 5000
		run(t, db, fillSQL("'x' || i", tenth), n)
		run(t, db, "UPDATE holdfast_sessions SET expires_at = 1 WHERE rowid BETWEEN 2500 AND 3499") // more than a step removes
		want := value[int64](t, db, "SELECT count(*) FROM holdfast_sessions") - value[int64](t, db, liveSQL)
		live := value[int](t, db, liveSQL)
		purge(t, p, want)
		if left := value[int](t, db, "SELECT count(*) FROM holdfast_sessions"); left != live {
			t.Errorf("%d rows are left, want %d", left, live)
		}
		purge(t, p, 0)
	})
}

// Purge keeps others waiting for small steps only, and not at all where nothing has
// expired.
func TestPurgeInSteps(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, path := b.store(t)
		var wire tap
		p := sqlite.New(wire.open(t, b, path, writing...))
		for name, test := range map[string]struct {
			expiresAt string
			steps     int
		}{
			"nothing":  {"0", 0},
			"all":      {"1", 20},
			"a few":    {"i % 400 = 7", 1}, // 1 is long ago
			"the last": {"i > 990", 1},
		} {
			run(t, db, "DELETE FROM holdfast_sessions")
			run(t, db, fillSQL("'x' || i", test.expiresAt), 1000)
			expired := value[int64](t, db, "SELECT count(*) FROM holdfast_sessions WHERE expires_at = 1")
			wire.statements("")
			purge(t, p, expired)
			if ran := wire.statements("DELETE"); len(ran) > test.steps || expired > 0 && len(ran) == 0 {
				t.Errorf("%s: %d steps that write, want up to %d", name, len(ran), test.steps)
			}
		}
		if most := wire.mostRows.Load(); most > 50 {
			t.Errorf("a step has removed %d records", most)
		}
	})
}

// What was removed before an interruption stays removed, and the next run removes the
// rest.
func TestPurgeIsInterrupted(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, path := b.store(t)
		run(t, db, fillSQL("'x' || i", tenth), 5_000)
		run(t, db, "UPDATE holdfast_sessions SET expires_at = 1 WHERE rowid > 3000")
		live := value[int](t, db, liveSQL)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		steps := 0
		wire := tap{after: func(_ string, err error) error {
			if steps++; steps == 10 {
				cancel()
			}
			return err
		}}
		p := sqlite.New(wire.open(t, b, path, writing...))
		removed, err := p.Purge(ctx)
		if err == nil || removed == 0 {
			t.Fatalf("got %d and error %v, want some and the context's error", removed, err)
		}
		if left := value[int64](t, db, "SELECT count(*) FROM holdfast_sessions"); left != 5_000-removed {
			t.Errorf("%d rows are left, want %d", left, 5_000-removed)
		}
		purge(t, p, 5_000-int64(live)-removed)
		if left := value[int](t, db, liveSQL); left != live {
			t.Errorf("%d live rows are left, want %d", left, live)
		}
	})
}

// Purge comes to an end when the rows that it has not read yet are removed meanwhile.
func TestPurgeOfRemovedRows(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, path := b.store(t)
		run(t, db, fillSQL("'x' || i", "1"), 100)
		wire := tap{reading: func(query string) {
			if strings.Contains(query, "sum(over)") {
				run(t, db, "DELETE FROM holdfast_sessions")
			}
		}}
		purge(t, sqlite.New(wire.open(t, b, path, writing...)), 0)
	})
}

// Writers go on while Purge runs. Half of them let their record expire and create it anew
// in turns, so that Purge meets it in every state.
func TestPurgeWhileWritersRun(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, path := b.store(t)
		other, _ := b.at(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		recs := make([]*provider.Record, 6)
		var wg sync.WaitGroup
		for i := range recs {
			recs[i] = storetest.NewRecord()
			wg.Go(func() {
				for last := false; !last; {
					last = ctx.Err() != nil
					expires := i%2 == 0 && recs[i].Version%2 == 0 && !last
					if err := rewrite(t.Context(), other, recs[i], expires); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		removed := int64(0)
		storetest.Eventually(t, "removed some", func() bool {
			if _, err := db.Exec(fillSQL("'x' || random() || i", "1"), 50); err != nil && !strings.Contains(err.Error(), "locked") {
				t.Error(err)
			}
			n, err := p.Purge(t.Context())
			removed += n
			return removed > 500 || err != nil
		})
		cancel()
		wg.Wait()
		if _, err := p.Purge(t.Context()); err != nil {
			t.Error(err)
		}
		for _, rec := range recs {
			storetest.WantRecord(t, p, rec)
		}
	})
}

// rewrite saves the next version of rec, expired or not.
func rewrite(ctx context.Context, p provider.Provider, rec *provider.Record, expired bool) error {
	rec.Version++
	rec.ExpiresAt = time.Now().Add(time.Hour)
	if expired {
		rec.ExpiresAt = time.Now().Add(-time.Hour)
	}
	return p.Save(ctx, rec, -1)
}

func TestPurgeEvery(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, path := b.store(t)
		run(t, db, fillSQL("'x' || i", tenth), 100)
		look := b.open(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.PurgeEvery(ctx, time.Millisecond)
		}()
		gone := func() bool {
			return value[int](t, look, "SELECT count(*) FROM holdfast_sessions WHERE expires_at BETWEEN 1 AND "+nowSQL) == 0
		}
		storetest.Eventually(t, "purged", gone)
		if err := p.Save(t.Context(), &provider.Record{ID: "x1", Version: 7, ExpiresAt: time.Now()}, -1); err != nil {
			t.Error(err)
		}
		storetest.Eventually(t, "purged again", gone)
		cancel()
		<-done
	})
}

// A failure is logged, and no reason to stop.
func TestPurgeEveryLogsErrors(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		var mu sync.Mutex
		var log bytes.Buffer
		lines := func() int {
			mu.Lock()
			defer mu.Unlock()
			return strings.Count(log.String(), "sqlite: Purge failed")
		}
		logger := slog.New(slog.NewTextHandler(locking{&mu, &log}, nil))
		p, _ := b.at(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Logger(logger))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			p.PurgeEvery(ctx, time.Millisecond)
		}()
		storetest.Eventually(t, "logged", func() bool { return lines() >= 2 })
		cancel()
		<-done
	})
}

// locking is a writer for several goroutines.
type locking struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l locking) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
