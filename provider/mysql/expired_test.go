package mysql_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

func TestPurgeTellsOfTheExpired(t *testing.T) {
	p, db, table := store(t)
	told := map[string]*provider.Record{}
	during := func() {}
	stop := p.OnExpired(func(rec *provider.Record) {
		told[rec.ID] = rec
		during()
	})
	kept, gone := storetest.NewRecord(), storetest.NewRecord()
	kept.ExpiresAt, gone.ExpiresAt = time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	for _, rec := range []*provider.Record{kept, gone} {
		if err := p.Save(t.Context(), rec, -1); err != nil {
			t.Fatal(err)
		}
	}
	purge(t, p, 1)
	got := told[gone.ID]
	if len(told) != 1 || got == nil || got.Version != gone.Version || got.Format != gone.Format || !bytes.Equal(got.Data, gone.Data) {
		t.Errorf("told of %v", told)
	}
	storetest.WantRecord(t, p, kept)

	const n = 6000 // more than are read at a time, and more expired than are removed at a time
	fill(t, db, table, n, 10)
	during = func() { // an expired record that is saved again, already expired
		during = func() {}
		run(t, db, "UPDATE "+table+" SET version = version + 1 WHERE id = '10'")
	}
	purge(t, p, n/10-1)
	purge(t, p, 1)
	if len(told) != 1+n/10 || told["10"].Version != 2 {
		t.Errorf("told of %d records, the last time of version %d", len(told), told["10"].Version)
	}

	during = func() { // an expired record that is saved again, to live on
		run(t, db, "UPDATE "+table+" SET version = version + 1, expires_at = 0 WHERE id = '1'")
	}
	run(t, db, "UPDATE "+table+" SET expires_at = 1 WHERE id = '1'")
	purge(t, p, 0)
	during = func() {}

	stop()
	told = map[string]*provider.Record{}
	run(t, db, "UPDATE "+table+" SET expires_at = 1 WHERE id = '1'")
	purge(t, p, 1)
	if len(told) != 0 {
		t.Error("told after stop")
	}
}
