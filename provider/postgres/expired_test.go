package postgres_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
)

func TestPurgeTellsOfTheExpired(t *testing.T) {
	p, pool, table := store(t)
	storetest.Table{
		Provider: p,
		Name:     table,
		Fill:     func(rows int) { fill(t, pool, table, rows, 1500) },
		Exec:     func(query string) { run(t, pool, query) },
		Past:     "now()",
		Always:   "NULL",
	}.TestPurgeTellsOfTheExpired(t, 5000)
}
