package drivertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// lists wants List to yield these IDs in that order.
func lists(t *testing.T, p provider.Provider, prefix string, want ...string) {
	t.Helper()
	if got, err := storetest.List(t.Context(), p, prefix); err != nil || !slices.Equal(got, want) {
		t.Errorf("List of prefix %q: got %q and error %v, want %q", prefix, got, err, want)
	}
}

func TestListComparesBytes(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, _ := b.store(t)
		ids := []string{"Z", "a", "a ", "a-b", "aB", "ab", "b", "z", "ä", "\ud7ff", "\ue000", "\U0010ffff", strings.Repeat("\U0010ffff", 63)}
		for _, id := range ids {
			rec := storetest.NewRecord()
			rec.ID = id
			storetest.Save(t, p, rec, 0, nil)
		}
		lists(t, p, "", ids...)
		for _, prefix := range ids {
			var want []string
			for _, id := range ids {
				if strings.HasPrefix(id, prefix) {
					want = append(want, id)
				}
			}
			lists(t, p, prefix, want...)
		}
	})
}

const pageSize = 256

func TestListReadsPages(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		for n, pages := range map[int]int{0: 1, 1: 1, pageSize - 1: 1, pageSize: 2, pageSize + 1: 2, 3*pageSize + 1: 4} {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				_, db, path := b.store(t)
				run(t, db, fillSQL("printf('x%06d', i)", "0"), n)
				var want []string
				for i := range n {
					want = append(want, fmt.Sprintf("x%06d", i+1))
				}
				var wire tap
				p := sqlite.New(wire.open(t, b, path))
				lists(t, p, "x", want...)
				if ran := wire.statements("ORDER BY id"); len(ran) != pages {
					t.Errorf("%d pages, want %d", len(ran), pages)
				}
			})
		}
	})
}

// fillSQL returns SQL that inserts ?1 records, whose ID and expiry are expressions over i,
// which counts from 1.
func fillSQL(id, expiresAt string) string {
	return `INSERT INTO holdfast_sessions (id, version, expires_at, format, data)
		WITH RECURSIVE n(i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		SELECT ` + id + `, 1, ` + expiresAt + `, '', x'' FROM n`
}

// If each page were read from the first one on, a listing of many records would not end.
func TestPagesOfListTakeAsManySteps(t *testing.T) {
	_, db, path := ncruces.store(t)
	const pages = 20
	run(t, db, fillSQL("printf('x%06d', i)", "0"), pages*pageSize)
	var steps []int
	traced, err := driver.Open(dataSource(path), func(c *sqlite3.Conn) error {
		return c.Trace(sqlite3.TRACE_PROFILE, func(_ sqlite3.TraceEvent, stmt, _ any) error {
			if s := stmt.(*sqlite3.Stmt); strings.Contains(s.SQL(), "ORDER BY id") {
				steps = append(steps, s.Status(sqlite3.STMTSTATUS_VM_STEP, true))
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer traced.Close()
	if ids, err := storetest.List(t.Context(), sqlite.New(traced), "x"); err != nil || len(ids) != pages*pageSize {
		t.Fatalf("got %d records and error %v", len(ids), err)
	}
	if len(steps) != pages+1 || steps[0] < pageSize {
		t.Fatalf("the pages took the steps %v, want those of %d pages", steps, pages+1)
	}
	if last := steps[pages-1]; last > steps[0]+steps[0]/2 {
		t.Errorf("the last page took %d steps, the first one %d", last, steps[0])
	}
}

// Otherwise each page would read the whole table, and sort it.
func TestListUsesTheIndex(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, _, path := b.store(t)
		var wire tap
		db := wire.open(t, b, path)
		p := sqlite.New(db)
		lists(t, p, "x")
		for _, query := range wire.statements("ORDER BY id") {
			rows, err := db.Query("EXPLAIN QUERY PLAN "+query, "x", "y", "xx", 1)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var plan string
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				plan += detail + "\n"
			}
			if !strings.Contains(plan, "SEARCH holdfast_sessions USING INDEX") || strings.Contains(plan, "B-TREE") {
				t.Errorf("the plan is\n%s", plan)
			}
		}
	})
}
