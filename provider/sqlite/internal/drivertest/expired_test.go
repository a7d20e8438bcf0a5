package drivertest

import (
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
)

func TestPurgeTellsOfTheExpired(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, _ := b.store(t)
		storetest.Table{
			Provider: p,
			Name:     "holdfast_sessions",
			Fill:     func(rows int) { run(t, db, fillSQL("i", tenth), rows) },
			Exec:     func(query string) { run(t, db, query) },
			Past:     "1",
			Always:   "0",
		}.TestPurgeTellsOfTheExpired(t, 1000)
	})
}
