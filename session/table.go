package session

import (
	"maps"
	"slices"
)

// table is a map of keys that keeps the order of insertion. Most requests are
// about a key or two; a Go map makes room for eight at once.
type table[V any] struct {
	rows  []row[V]
	index map[string]int // into rows, once they are too many to look through
}

type row[V any] struct {
	key   string
	value V
}

const indexFrom = 16 // rows

// find returns the value of key, to be changed in place, or nil.
func (t *table[V]) find(key string) *V {
	if t.index != nil {
		if at, ok := t.index[key]; ok {
			return &t.rows[at].value
		}
		return nil
	}
	for i := range t.rows {
		if t.rows[i].key == key {
			return &t.rows[i].value
		}
	}
	return nil
}

// put sets the value of key.
func (t *table[V]) put(key string, value V) {
	if old := t.find(key); old != nil {
		*old = value
		return
	}
	t.rows = append(t.rows, row[V]{key, value})
	switch {
	case t.index != nil:
		t.index[key] = len(t.rows) - 1
	case len(t.rows) == indexFrom:
		t.index = make(map[string]int, 2*indexFrom)
		for i := range t.rows {
			t.index[t.rows[i].key] = i
		}
	}
}

func (t *table[V]) clone() table[V] {
	return table[V]{slices.Clone(t.rows), maps.Clone(t.index)}
}
