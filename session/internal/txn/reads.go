package txn

import (
	"slices"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// reads records what the request has seen of the stored session, by value instead of by
// version. The reads must still be valid at every commit of the request, even if the
// compare-and-swap would succeed because the request has loaded a newer version in
// between.
type reads struct {
	keys   smallMap[read]
	listed *listing
	soft   bool // some reads are soft

	nonEmpty bool // the request saw something: a value of any key, a listed name, the owner
	ended    bool // and another request has ended that session
}

// read is what the request saw of one key.
type read struct {
	from   *records.Content // the content whose value it saw; nil: it wrote the value itself
	result *Value           // the value that it wrote, if from is nil

	// soft marks a key that only an Update read: its own key, or one that its closure read.
	// The closure runs again on the newest content, so the read does not count until a later
	// change may depend on it.
	soft bool

	// nonRepeatable marks a key that the request has read twice with different values: a
	// three-way merge cannot know which of them its change started from.
	nonRepeatable bool
}

// value returns the value that the request saw of key.
func (r *read) value(key string) Value {
	if r.from == nil {
		return *r.result
	}
	return valueIn(r.from, key)
}

// listing is the set of stored keys as the request saw it.
type listing struct {
	names []string
	soft  bool
}

// note records a read of key in the content from. The first value stays.
func (rs *reads) note(key string, from *records.Content, soft bool) {
	if old := rs.keys.find(key); old != nil {
		old.soft = old.soft && soft
		old.nonRepeatable = old.nonRepeatable || old.from != from && !old.value(key).Equal(valueIn(from, key))
		return
	}
	rs.keys.add(key, read{from: from, soft: soft})
	rs.soft = rs.soft || soft
}

func (rs *reads) noteListing(from *records.Content, soft bool) {
	if rs.listed == nil {
		rs.listed = &listing{names(&from.Entries), soft}
		rs.soft = rs.soft || soft
		return
	}
	if rs.listed.soft && !soft {
		rs.listed = &listing{rs.listed.names, false}
	}
}

// promote turns soft reads into ordinary ones, because the next change may depend on
// them.
func (rs *reads) promote() {
	if !rs.soft {
		return
	}
	rs.soft = false
	for i := range rs.keys.rows {
		rs.keys.rows[i].value.soft = false
	}
	if rs.listed != nil {
		rs.listed = &listing{rs.listed.names, false}
	}
}

// settle updates the reads after landed, the commit of w, was saved. The request knows
// what it wrote itself, but not the result of a rebase.
func (rs *reads) settle(w readWriteSet, landed *records.Content) {
	if w.cleared {
		for i := range rs.keys.rows {
			r := &rs.keys.rows[i].value
			*r = read{from: landed, soft: r.soft}
		}
		rs.relist(nil)
	}
	for i := range w.changes {
		c := &w.changes[i]
		if r := rs.keys.find(c.key); r != nil {
			r.from, r.result, r.nonRepeatable = nil, &c.result, false
		}
	}
	rs.relistChanged(w.changes)
}

func (rs *reads) relist(names []string) {
	if rs.listed != nil {
		rs.listed = &listing{names, rs.listed.soft}
	}
}

// relistChanged applies changes to the listed names.
func (rs *reads) relistChanged(changes []change) {
	if rs.listed == nil || len(changes) == 0 {
		return
	}
	there := make(map[string]bool, len(changes))
	for i := range changes {
		there[changes[i].key] = changes[i].result.Present
	}
	names := slices.DeleteFunc(slices.Clone(rs.listed.names), func(name string) bool {
		_, changed := there[name]
		return changed
	})
	for name, there := range there {
		if there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	rs.relist(names)
}

// stale returns the first key, among the reads chosen by pick, whose value in now differs
// from the value that was read.
func (rs *reads) stale(now *records.Content, pick func(*read) bool) (string, bool) {
	for i := range rs.keys.rows {
		key, r := rs.keys.rows[i].key, &rs.keys.rows[i].value
		if r.from != now && pick(r) && !r.value(key).Equal(valueIn(now, key)) {
			return key, true
		}
	}
	return "", false
}

// listingStale reports whether the listed keys differ from those of now.
func (rs *reads) listingStale(now *records.Content) bool {
	return rs.listed != nil && !rs.listed.soft && !slices.Equal(rs.listed.names, names(&now.Entries))
}

// hard selects the reads that are not soft.
func hard(r *read) bool { return !r.soft }

func names(entries *envelope.Entries) []string {
	all := make([]string, 0, entries.Len())
	for name := range entries.All() {
		all = append(all, string(name))
	}
	return all
}
