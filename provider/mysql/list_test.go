package mysql_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// lists wants List to yield these IDs in that order.
func lists(t *testing.T, p provider.Provider, prefix string, want ...string) {
	t.Helper()
	if got, err := storetest.List(t.Context(), p, prefix); err != nil || !slices.Equal(got, want) {
		t.Errorf("List of prefix %q: got %q and error %v, want %q", prefix, got, err, want)
	}
}

func TestListComparesBytes(t *testing.T) {
	p, _, _ := store(t)
	ids := []string{"\x01", "Z", "a", "a ", "a%", "a-b", "aB", "a_b", "ab", "b", "z", "ä", "\ud7ff", "\ue000", "\U0010ffff", strings.Repeat("\U0010ffff", 63)}
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
}

// insert makes so many records and returns their IDs, which begin with x.
func insert(t *testing.T, db *sql.DB, table string, n int) (ids []string) {
	t.Helper()
	for first := 0; first < n; first += 1000 {
		var rows []string
		for i := first; i < min(n, first+1000); i++ {
			ids = append(ids, fmt.Sprintf("x%06d", i+1))
			rows = append(rows, "('"+ids[i]+"', 1, 0, '', '')")
		}
		run(t, db, "INSERT INTO "+table+" VALUES "+strings.Join(rows, ","))
	}
	return ids
}

func TestListReadsPages(t *testing.T) {
	for n, trips := range map[int]int64{0: 1, 1: 1, mysqlprovider.PageSize - 1: 1, mysqlprovider.PageSize: 2, mysqlprovider.PageSize + 1: 2, 3*mysqlprovider.PageSize + 1: 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			_, db, table := store(t)
			want := insert(t, db, table, n)
			cfg := config(t)
			var wire tap
			wire.listen(cfg)
			p := mysqlprovider.New(open(t, cfg), mysqlprovider.Table(table))
			storetest.WantNoRecord(t, p, "missing") // the settings are checked
			before := wire.trips.Load()
			lists(t, p, "x", want...)
			if got := wire.trips.Load() - before; got != trips {
				t.Errorf("%d trips, want %d", got, trips)
			}
		})
	}
}

// Otherwise each page would read the whole table, and sort it.
func TestListUsesTheIndex(t *testing.T) {
	p, db, table := store(t)
	insert(t, db, table, 5000)
	run(t, db, "ANALYZE TABLE "+table)
	query, args := p.ListSQL("x001", "x001500")
	rows, err := db.QueryContext(t.Context(), "EXPLAIN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	plan := map[string]string{}
	for rows.Next() {
		texts := make([]sql.NullString, len(names))
		dest := make([]any, len(names))
		for i := range texts {
			dest[i] = &texts[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			plan[name] = texts[i].String
		}
	}
	if plan["key"] != "PRIMARY" || plan["type"] != "range" || strings.Contains(plan["Extra"], "filesort") {
		t.Errorf("the plan is %q", plan)
	}
}
