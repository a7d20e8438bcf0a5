package sealed_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// saveExpired saves a record that has expired, of which a store in memory tells at once.
func saveExpired(t *testing.T, p provider.Provider) *provider.Record {
	t.Helper()
	rec := newRecord()
	rec.ExpiresAt = time.Now().Add(-time.Minute).Truncate(time.Millisecond).UTC()
	save(t, p, rec, 0)
	return rec
}

func TestOnExpiredOpensTheRecord(t *testing.T) {
	inner, key := memory.New(), newKey()
	p := seal(t, inner, key)
	var told []*provider.Record
	stop := p.OnExpired(func(rec *provider.Record) { told = append(told, rec) })
	rec := saveExpired(t, p)
	if len(told) != 1 || !same(told[0], rec) {
		t.Errorf("told of %v, want %v", told, rec)
	}
	saveExpired(t, seal(t, inner, newKey())) // by a program with other keys
	saveExpired(t, inner)                    // not sealed
	if len(told) != 1 {
		t.Errorf("told of %d records, want the one that is readable", len(told))
	}
	stop()
	saveExpired(t, p)
	if len(told) != 1 {
		t.Error("told after stop")
	}
}

func TestOnExpiredOfNoExpirer(t *testing.T) {
	p := seal(t, struct{ provider.Provider }{memory.New()}, newKey())
	stop := p.OnExpired(func(*provider.Record) { t.Error("told") })
	saveExpired(t, p)
	stop()
}
