package txn

import (
	"maps"
	"slices"
)

// smallMap is a map that keeps the order of insertion. Most requests use only one or two
// keys, for which a Go map allocates more memory.
type smallMap[V any] struct {
	rows  []row[V]
	index map[string]int // into rows, once there are too many for a linear search
}

type row[V any] struct {
	key   string
	value V
}

const indexFrom = 16 // rows

// find returns the value of key, to be changed in place, or nil.
func (m *smallMap[V]) find(key string) *V {
	if m.index != nil {
		if at, ok := m.index[key]; ok {
			return &m.rows[at].value
		}
		return nil
	}
	for i := range m.rows {
		if m.rows[i].key == key {
			return &m.rows[i].value
		}
	}
	return nil
}

// put sets the value of key.
func (m *smallMap[V]) put(key string, value V) {
	if old := m.find(key); old != nil {
		*old = value
		return
	}
	m.rows = append(m.rows, row[V]{key, value})
	switch {
	case m.index != nil:
		m.index[key] = len(m.rows) - 1
	case len(m.rows) == indexFrom:
		m.index = make(map[string]int, 2*indexFrom)
		for i := range m.rows {
			m.index[m.rows[i].key] = i
		}
	}
}

func (m *smallMap[V]) clone() smallMap[V] {
	return smallMap[V]{slices.Clone(m.rows), maps.Clone(m.index)}
}
