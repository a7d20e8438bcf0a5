package filestore_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

func TestSweepTellsOfTheExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		store := open(t, dir)
		var told []*provider.Record
		stop := store.OnExpired(func(rec *provider.Record) {
			if len(files(t, dir)) != 2 {
				t.Error("told after the removal")
			}
			told = append(told, rec)
		})
		gone, kept := newRecord("gone"), newRecord("kept")
		kept.ExpiresAt = time.Time{}
		save(t, store, gone)
		save(t, store, kept)
		sweep := func() {
			t.Helper()
			time.Sleep(2 * time.Hour)
			if err := store.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		sweep()
		if len(told) != 1 || told[0].ID != gone.ID || told[0].Version != gone.Version || string(told[0].Data) != string(gone.Data) {
			t.Errorf("told of %v", told)
		}
		sweep()
		stop()
		save(t, store, newRecord("another"))
		sweep()
		if len(told) != 1 {
			t.Errorf("told of %d records, also again or after stop", len(told))
		}
	})
}
