package postgres_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/postgres"
)

// lists wants List to yield these IDs in that order.
func lists(t *testing.T, p provider.Provider, prefix string, want ...string) {
	t.Helper()
	if got, err := storetest.List(t.Context(), p, prefix); err != nil || !slices.Equal(got, want) {
		t.Errorf("List of prefix %q: got %q and error %v, want %q", prefix, got, err, want)
	}
}

// A table of the application's own making may sort in another way.
func TestListComparesBytes(t *testing.T) {
	for name, collation := range map[string]string{"as made": `"C"`, "another": `"und-x-icu"`} {
		t.Run(name, func(t *testing.T) {
			p, pool, table := store(t)
			run(t, pool, fmt.Sprintf("ALTER TABLE %s ALTER id TYPE text COLLATE %s", table, collation))
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
}

// insert makes so many records and returns their IDs, which begin with x.
func insert(t *testing.T, db postgres.DB, table string, n int) (ids []string) {
	t.Helper()
	run(t, db, "INSERT INTO "+table+" SELECT 'x' || to_char(n, 'FM000000'), 1, NULL, '', '' FROM generate_series(1, $1::int) AS n", n)
	for i := range n {
		ids = append(ids, fmt.Sprintf("x%06d", i+1))
	}
	return ids
}

func TestListReadsPages(t *testing.T) {
	for n, trips := range map[int]int64{0: 1, 1: 1, postgres.PageSize - 1: 1, postgres.PageSize: 2, postgres.PageSize + 1: 2, 3*postgres.PageSize + 1: 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			_, pool, table := store(t)
			want := insert(t, pool, table, n)
			cfg := config(t)
			cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
			var wire tap
			wire.listen(cfg)
			p := postgres.New(open(t, cfg), postgres.Table(table))
			lists(t, p, "no such prefix") // asks for the version
			before := wire.trips.Load()
			lists(t, p, "x", want...)
			if got := wire.trips.Load() - before; got != trips {
				t.Errorf("%d trips, want %d", got, trips)
			}
		})
	}
}

// Otherwise each page would read the whole table, and sort it. The server makes a
// plan for the arguments, and after some calls one for any.
func TestListUsesTheIndex(t *testing.T) {
	p, pool, table := store(t)
	insert(t, pool, table, 20_000)
	run(t, pool, "ANALYZE "+table)
	for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
		t.Run(mode, func(t *testing.T) {
			tx := begin(t, pool)
			run(t, tx, "SET LOCAL plan_cache_mode = "+mode)
			sql, args := p.ListSQL("x01", "x015000")
			run(t, tx, "PREPARE page AS "+sql)
			defer run(t, tx, "DEALLOCATE page")
			rows, err := tx.Query(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE page ('%s', '%s', '%s', %d)", args...))
			if err != nil {
				t.Fatal(err)
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			plan := strings.Join(lines, "\n")
			if !indexed.MatchString(plan) || strings.Contains(plan, "Sort") {
				t.Errorf("the plan is\n%s", plan)
			}
		})
	}
}

var indexed = regexp.MustCompile(`Index Scan[^\n]*\n +Index Cond: [^\n]*id >= [^\n]*id < [^\n]*id > `)
