package txn

import "github.com/holdfast-go/holdfast/session/internal/records"

// Adopt is what a Refresh does with a newer content.
func (t *Txn) Adopt(id, key string, now *records.Content) { t.adopt(id, key, now) }

// MaxWait is how long a commit waits for the save of another.
const MaxWait = maxWait

// IndexFrom is the number of rows from which a smallMap has an index.
const IndexFrom = indexFrom

// SmallMap is a smallMap of numbers.
type SmallMap struct{ m smallMap[int] }

func (m *SmallMap) Put(key string, value int) { m.m.put(key, value) }
func (m *SmallMap) Find(key string) *int      { return m.m.find(key) }
func (m *SmallMap) Clone() SmallMap           { return SmallMap{m.m.clone()} }
func (m *SmallMap) Key(row int) string        { return m.m.rows[row].key }
