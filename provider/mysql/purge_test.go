package mysql_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// fill adds n rows, of which every tenth has expired and every eleventh never
// does.
func fill(tb testing.TB, db *sql.DB, table string, n, size int) {
	tb.Helper()
	data := strings.Repeat("x", size)
	for first := 1; first <= n; first += 1000 {
		var rows []string
		for i := first; i <= min(n, first+999); i++ {
			expiresAt := time.Now().Add(time.Hour).UnixMilli()
			switch {
			case i%10 == 0:
				expiresAt = 1
			case i%11 == 0:
				expiresAt = 0
			}
			rows = append(rows, fmt.Sprintf("('%d', 1, %d, '', '%s')", i, expiresAt, data))
		}
		run(tb, db, "INSERT INTO "+table+" VALUES "+strings.Join(rows, ","))
	}
}

// alive is the condition of the rows that a Purge must leave.
const alive = " WHERE expires_at = 0 OR expires_at > UNIX_TIMESTAMP() * 1000"

func purge(t *testing.T, p *mysqlprovider.Provider, want int64) {
	t.Helper()
	before := p.PurgeStats()
	if n, err := p.Purge(t.Context()); n != want || err != nil {
		t.Fatalf("Purge: got %d and error %v, want %d", n, err, want)
	}
	if now := p.PurgeStats(); now.Removed-before.Removed != want || !now.Last.After(before.Last) {
		t.Errorf("PurgeStats: got %+v after %+v", now, before)
	}
}

func TestPurgeRemovesTheExpired(t *testing.T) {
	p, db, table := store(t)
	purge(t, p, 0)
	for _, n := range []int{10, mysqlprovider.RowsPerPurge, 2*mysqlprovider.RowsPerPurge + 10} {
		fill(t, db, table, n, 10)
		purge(t, p, int64(n/10))
		if left := query[int](t, db, "SELECT COUNT(*) FROM "+table+alive); left != n-n/10 {
			t.Errorf("%d rows are left, want %d", left, n-n/10)
		}
		purge(t, p, 0)
		run(t, db, "DELETE FROM "+table)
	}
}

// All of a page have expired, more than are removed at a time.
func TestPurgeOfExpiredPages(t *testing.T) {
	p, db, table := store(t)
	fill(t, db, table, 5000, 10)
	run(t, db, "UPDATE "+table+" SET expires_at = 1")
	purge(t, p, 5000)
}

func TestPurgeOfPartitionedTable(t *testing.T) {
	p, db, table := store(t)
	run(t, db, "ALTER TABLE "+table+" PARTITION BY KEY (id) PARTITIONS 3")
	fill(t, db, table, 1000, 10)
	if err := p.CreateTable(t.Context()); err != nil {
		t.Error(err)
	}
	purge(t, p, 100)
	if left := query[int](t, db, "SELECT COUNT(*) FROM "+table+alive); left != 900 {
		t.Errorf("%d rows are left, want 900", left)
	}
}

// Purge leaves a batch with a row that is in use, and comes back for it.
func TestPurgeLeavesWhatIsLocked(t *testing.T) {
	_, db, table := store(t)
	fill(t, db, table, 100, 10)
	cfg := config(t)
	cfg.Params["innodb_lock_wait_timeout"] = "1"
	p := mysqlprovider.New(open(t, cfg), mysqlprovider.Table(table))
	tx := begin(t, db)
	run(t, tx, "SELECT id INTO @x FROM "+table+" WHERE id = '10' FOR UPDATE")
	purge(t, p, 0)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	purge(t, p, 10)
}

// Purge locks no row that has not expired.
func TestPurgeWaitsForNoLivingRow(t *testing.T) {
	p, db, table := store(t)
	fill(t, db, table, 100, 10)
	tx := begin(t, db)
	run(t, tx, "UPDATE "+table+" SET version = 2 WHERE id IN ('1', '11', '2', '29', '55', '99')")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // less than a wait for a lock
	defer cancel()
	if n, err := p.Purge(ctx); n != 10 || err != nil {
		t.Errorf("Purge: got %d and error %v, want 10", n, err)
	}
}

// Writers go on while Purge runs. Half of them let their record expire and create
// it anew in turns, so that Purge meets it in every state.
func TestPurgeWhileWritersRun(t *testing.T) {
	p, db, table := store(t)
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
				if err := rewrite(t.Context(), p, recs[i], expires); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	removed := int64(0)
	storetest.Eventually(t, "removed some", func() bool {
		fill(t, db, table, 100, 10)
		n, err := p.Purge(t.Context())
		removed += n
		run(t, db, "DELETE FROM "+table+" WHERE format = ''")
		return removed > 200 || err != nil
	})
	cancel()
	wg.Wait()
	if _, err := p.Purge(t.Context()); err != nil {
		t.Error(err)
	}
	for _, rec := range recs {
		storetest.WantRecord(t, p, rec)
	}
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
	p, db, table := store(t)
	fill(t, db, table, 100, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.PurgeEvery(ctx, time.Millisecond)
	}()
	gone := func() bool { return query[int](t, db, "SELECT COUNT(*) FROM "+table+" WHERE expires_at = 1") == 0 }
	storetest.Eventually(t, "purged", gone)
	run(t, db, "UPDATE "+table+" SET expires_at = 1 WHERE id = '1'")
	storetest.Eventually(t, "purged again", gone)
	cancel()
	<-done
}

// A failure is logged, and no reason to stop.
func TestPurgeEveryLogsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		db := faulty(t, faultyDriver{query: &mysql.MySQLError{Number: 1146}})
		p := mysqlprovider.New(db, mysqlprovider.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Second)
		defer cancel()
		p.PurgeEvery(ctx, 5*time.Minute)
		if n := strings.Count(log.String(), "Error 1146"); n < 2 || n > 3 {
			t.Errorf("%d errors logged in two intervals:\n%s", n, &log)
		}
		db.Close()
	})
}

func TestPurgeEveryRefusesAnInterval(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("PurgeEvery did not panic")
		}
	}()
	mysqlprovider.New(nil).PurgeEvery(t.Context(), 0)
}
