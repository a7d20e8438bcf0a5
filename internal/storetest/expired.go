package storetest

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// Table is a table of a provider with [provider.Expirer] that a test changes beside it.
type Table struct {
	Provider interface {
		provider.Provider
		provider.Expirer
		Purge(ctx context.Context) (int64, error)
	}
	Name   string
	Fill   func(rows int)   // the IDs are 1 and so on; every tenth record has expired
	Exec   func(sql string) // for UPDATE
	Past   string           // an expression: a time in the past
	Always string           // an expression: never expires
}

// TestPurgeTellsOfTheExpired tests that Purge tells of each record that it removes, as it
// removes it, and of no other.
func (tab Table) TestPurgeTellsOfTheExpired(t *testing.T, rows int) {
	t.Helper()
	told := map[string]*provider.Record{}
	during := func() {} // runs once, when a record is told of
	stop := tab.Provider.OnExpired(func(rec *provider.Record) {
		told[rec.ID] = rec
		during()
		during = func() {}
	})
	kept, gone := NewRecord(), NewRecord()
	kept.ExpiresAt, gone.ExpiresAt = time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	Save(t, tab.Provider, kept, -1, nil)
	Save(t, tab.Provider, gone, -1, nil)
	tab.purge(t, 1)
	got := told[gone.ID]
	if len(told) != 1 || got == nil || got.Version != gone.Version || got.Format != gone.Format || !bytes.Equal(got.Data, gone.Data) {
		t.Errorf("told of %v", told)
	}
	WantRecord(t, tab.Provider, kept)

	tab.Fill(rows)
	during = func() { tab.Exec(update(tab.Name, "version = version + 1", "10")) } // it has expired, and is saved again
	tab.purge(t, rows/10)
	if len(told) != 1+rows/10 || told["10"].Version != 2 {
		t.Errorf("told of %d records, and of 10 as %+v", len(told), told["10"])
	}

	tab.expire("1")
	during = func() { tab.Exec(update(tab.Name, "version = version + 1, expires_at = "+tab.Always, "1")) } // it lives on
	tab.purge(t, 0)

	stop()
	told = map[string]*provider.Record{}
	tab.expire("1")
	tab.purge(t, 1)
	if len(told) != 0 {
		t.Error("told after stop")
	}
}

// purge removes records until none is left that has expired, and wants that many.
func (tab Table) purge(t *testing.T, want int) {
	t.Helper()
	removed := int64(0)
	for {
		n, err := tab.Provider.Purge(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		removed += n
	}
	if removed != int64(want) {
		t.Fatalf("Purge: %d records removed, want %d", removed, want)
	}
}

func (tab Table) expire(id string) { tab.Exec(update(tab.Name, "expires_at = "+tab.Past, id)) }

func update(table, set, id string) string {
	return "UPDATE " + table + " SET " + set + " WHERE id = '" + id + "'"
}
