package txn_test

import (
	"fmt"
	"testing"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// A smallMap of any size finds what was put into it, in the order of insertion, and so
// does a clone, which changes nothing of the original.
func TestASmallMapIsAMap(t *testing.T) {
	for _, size := range []int{0, 1, 2, txn.IndexFrom - 1, txn.IndexFrom, txn.IndexFrom + 1, 31, 32, 33, 100, 1000} {
		var m txn.SmallMap
		for i := range size {
			m.Put(name(i), -1)
			m.Put(name(i), i)
		}
		clone := m.Clone()
		clone.Put("another", size)
		for i := range size {
			*clone.Find(name(i)) += size
		}
		wantRows(t, &m, size, 0)
		if m.Find("another") != nil {
			t.Errorf("%d rows: the clone's row is found", size)
		}
		wantRows(t, &clone, size, size)
		if v := clone.Find("another"); v == nil || *v != size {
			t.Errorf("%d rows: the clone has lost a row", size)
		}
	}
}

func name(i int) string { return fmt.Sprint("key ", i) }

// wantRows wants the values 0 to size-1, plus more.
func wantRows(t *testing.T, m *txn.SmallMap, size, more int) {
	t.Helper()
	for i := range size {
		if v := m.Find(name(i)); v == nil || *v != i+more || m.Key(i) != name(i) {
			t.Errorf("%d rows: row %d is %q, found %v", size, i, m.Key(i), v)
		}
	}
}
