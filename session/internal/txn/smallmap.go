package txn

import (
	"hash/maphash"
	"slices"
)

// smallMap is a map that keeps the order of insertion. Most requests use only one or two
// keys, for which a Go map allocates more memory.
type smallMap[V any] struct {
	rows  []row[V]
	index *index // nil as long as a linear search is faster
}

type row[V any] struct {
	key   string
	value V
}

const indexFrom = 8 // rows

// find returns the value of key, to be changed in place, or nil.
func (m *smallMap[V]) find(key string) *V {
	if m.index != nil {
		return m.findIndexed(key)
	}
	for i := range m.rows {
		if m.rows[i].key == key {
			return &m.rows[i].value
		}
	}
	return nil
}

func (m *smallMap[V]) findIndexed(key string) *V {
	for at := m.index.first(key); ; at = m.index.next(at) {
		i := m.index.slots[at]
		if i == 0 {
			return nil
		}
		if r := &m.rows[i-1]; r.key == key {
			return &r.value
		}
	}
}

// put sets the value of key.
func (m *smallMap[V]) put(key string, value V) {
	if old := m.find(key); old != nil {
		*old = value
		return
	}
	m.add(key, value)
}

// add sets the value of a key that has none.
func (m *smallMap[V]) add(key string, value V) {
	if n := len(m.rows); n > 0 && n == cap(m.rows) { // in larger steps than append
		m.rows = slices.Grow(m.rows, 5*n)
	}
	m.rows = append(m.rows, row[V]{key, value})
	switch n := len(m.rows); {
	case n < indexFrom:
	case m.index == nil || 2*n > len(m.index.slots):
		m.index = newIndex(8 * n)
		for i := range m.rows {
			m.index.add(m.rows[i].key, i)
		}
	default:
		m.index.add(key, n-1)
	}
}

func (m *smallMap[V]) clone() smallMap[V] {
	return smallMap[V]{slices.Clone(m.rows), m.index.clone()}
}

// index is a hash table of the rows of a smallMap, with linear probing. At least half of
// its slots are free. It takes less memory than a Go map, since it does not hold the keys.
type index struct {
	slots []int32 // 1 + the number of the row; 0: free
}

var hashSeed = maphash.MakeSeed()

func newIndex(size int) *index { return &index{make([]int32, size)} }

// first returns the slot at which the search for key begins.
func (x *index) first(key string) int {
	return int(maphash.String(hashSeed, key) % uint64(len(x.slots)))
}

// next returns the slot that is looked at after at.
func (x *index) next(at int) int {
	if at++; at < len(x.slots) {
		return at
	}
	return 0
}

// add records that row i has that key.
func (x *index) add(key string, i int) {
	at := x.first(key)
	for x.slots[at] != 0 {
		at = x.next(at)
	}
	x.slots[at] = int32(i + 1)
}

func (x *index) clone() *index {
	if x == nil {
		return nil
	}
	return &index{slices.Clone(x.slots)}
}
