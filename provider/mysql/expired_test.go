package mysql_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
)

func TestPurgeTellsOfTheExpired(t *testing.T) {
	p, db, table := store(t)
	storetest.Table{
		Provider: p,
		Name:     table,
		Fill:     func(rows int) { fill(t, db, table, rows, 10) },
		Exec:     func(query string) { run(t, db, query) },
		Past:     "1",
		Always:   "0",
	}.TestPurgeTellsOfTheExpired(t, 6000) // more than are read at a time, and more expired than are removed at a time
}
