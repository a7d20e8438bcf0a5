package memory_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

func TestOnExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memory.New()
		told := map[string]*provider.Record{}
		stop := p.OnExpired(func(rec *provider.Record) {
			if told[rec.ID] != nil {
				t.Errorf("%s: told twice", rec.ID)
			}
			told[rec.ID] = rec
			p.Len() // no lock is held
		})
		rec := expiring(1, time.Minute)
		rec.ID, rec.Data = "gone", []byte("data")
		save(t, p, rec, 0, nil)
		deleted := expiring(1, time.Minute)
		save(t, p, deleted, 0, nil)
		if err := p.Delete(t.Context(), deleted.ID); err != nil {
			t.Error(err)
		}
		<-time.After(time.Minute)
		again := expiring(1, time.Hour)
		again.ID = rec.ID
		save(t, p, again, 0, nil) // replaces what has expired
		past := expiring(1, -time.Minute)
		save(t, p, past, 0, nil) // has expired at once
		if got := told["gone"]; len(told) != 2 || got == nil || got.Version != rec.Version || !bytes.Equal(got.Data, rec.Data) || told[past.ID] == nil {
			t.Errorf("told of %v", told)
		}
		fill(t, p, 100, func() *provider.Record { return expiring(0, time.Minute) })
		<-time.After(time.Minute)
		fill(t, p, 4000, func() *provider.Record { return record(0) }) // enough for every shard to be swept
		if len(told) != 102 {
			t.Errorf("told of %d", len(told))
		}
		stop()
		stop()
		fill(t, p, 100, func() *provider.Record { return expiring(0, time.Minute) })
		<-time.After(time.Minute)
		fill(t, p, 4000, func() *provider.Record { return record(0) })
		if len(told) != 102 {
			t.Errorf("told of %d after stop", len(told))
		}
	})
}

// More has expired than one Save removes, so the Save itself meets the expired record.
func TestOnExpiredOfAReplacedRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memory.New()
		told := false
		defer p.OnExpired(func(rec *provider.Record) { told = told || rec.ID == "gone" })()
		fill(t, p, 4000, func() *provider.Record { return expiring(0, time.Minute) })
		rec := expiring(1, time.Minute+time.Millisecond)
		rec.ID = "gone"
		save(t, p, rec, 0, nil)
		<-time.After(time.Hour)
		rec.ExpiresAt = time.Time{}
		save(t, p, rec, 0, nil)
		if !told {
			t.Error("not told")
		}
	})
}
