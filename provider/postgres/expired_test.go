package postgres_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

func TestPurgeTellsOfTheExpired(t *testing.T) {
	p, pool, table := store(t)
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

	fill(t, pool, table, 5000, 1500)
	during = func() { // an expired record that is saved again, already expired
		during = func() {}
		run(t, pool, "UPDATE "+table+" SET version = version + 1 WHERE expires_at <= now() AND id = '10'")
	}
	purge(t, p, 499)
	during = func() {}
	purge(t, p, 1)
	if len(told) != 501 || told["10"].Version != 2 {
		t.Errorf("told of %d records", len(told))
	}

	stop()
	run(t, pool, "UPDATE "+table+" SET expires_at = now() WHERE id = '1'")
	purge(t, p, 1)
	if len(told) != 501 {
		t.Error("told after stop")
	}
}
