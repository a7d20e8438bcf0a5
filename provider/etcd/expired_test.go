package etcd_test

import (
	"bytes"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

func TestPurgeTellsOfTheExpired(t *testing.T) {
	p, client, prefix := store(t)
	told := map[string]*provider.Record{}
	stop := p.OnExpired(func(rec *provider.Record) {
		storetest.WantNoRecord(t, p, rec.ID) // it has expired
		if value(t, client, prefix+rec.ID) == "" {
			t.Error("told after the removal")
		}
		told[rec.ID] = rec
	})
	gone := storetest.NewRecord()
	storetest.Save(t, p, gone, 0, nil)
	expire(t, client, prefix+gone.ID)
	const n = etcd.MaxDeletes + 1
	fillExpired(t, p, client, prefix, n)
	purge(t, p, n+1)
	got := told[gone.ID]
	if len(told) != n+1 || got == nil || got.Version != gone.Version || got.Format != gone.Format || !bytes.Equal(got.Data, gone.Data) {
		t.Errorf("told of %d records, and of %v", len(told), got)
	}
	stop()
	fillExpired(t, p, client, prefix, 1)
	purge(t, p, 1)
	if len(told) != n+1 {
		t.Error("told after stop")
	}
}
