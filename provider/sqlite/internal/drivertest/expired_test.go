package drivertest

import (
	"testing"

	"github.com/holdfast-go/holdfast/provider"
)

func TestPurgeTellsOfTheExpired(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, db, _ := b.store(t)
		const n = 1000
		run(t, db, fillSQL("'x' || i", tenth), n)
		told := map[string]*provider.Record{}
		during := func() { // an expired record that is saved again, already expired
			run(t, db, "UPDATE holdfast_sessions SET version = version + 1 WHERE id = 'x100'")
		}
		stop := p.OnExpired(func(rec *provider.Record) {
			told[rec.ID] = rec
			during()
			during = func() {}
		})
		purge(t, p, n/10)
		if len(told) != n/10 || told["x10"] == nil {
			t.Errorf("told of %d records", len(told))
		}
		if told["x100"].Version != value[int64](t, db, "SELECT version + 1 FROM holdfast_sessions WHERE id = 'x1'") {
			t.Errorf("told of version %d", told["x100"].Version)
		}
		stop()
		told = map[string]*provider.Record{}
		run(t, db, "UPDATE holdfast_sessions SET expires_at = 1 WHERE id = 'x1'")
		purge(t, p, 1)
		if len(told) != 0 {
			t.Error("told after stop")
		}
	})
}
