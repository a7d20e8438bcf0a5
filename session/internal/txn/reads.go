package txn

import (
	"slices"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// reads is what the request has seen of the stored session. It is remembered by value,
// not by version: it must still hold at every commit of the request, also at one whose
// compare-and-swap would succeed because the request loaded a newer version in between.
type reads struct {
	keys   smallMap[read]
	listed *listing
	soft   bool // some reads are soft

	nonEmpty bool // something was there: a value of any key, a listed name, the owner
	ended    bool // and another request has ended that session
}

// read is the stored value of one key as the request saw it.
type read struct {
	Value
	from *records.Content // where it is known to hold; nil: compare

	// soft marks what only an Update saw, its own key and those its closure read. The
	// closure runs again on the content that its result goes into, so this counts for
	// nothing until a later change could depend on it.
	soft bool

	// nonRepeatable marks a key that the request has read again, with another value: a
	// three-way merge cannot tell which of them its change began from.
	nonRepeatable bool
}

// listing is the set of stored keys as the request saw it.
type listing struct {
	names []string
	soft  bool
}

// note remembers that key held v in the content from. The first sight counts.
func (rs *reads) note(key string, v Value, from *records.Content, soft bool) {
	if old := rs.keys.find(key); old != nil {
		old.soft = old.soft && soft
		old.nonRepeatable = old.nonRepeatable || old.from != from && !old.Equal(v)
		return
	}
	rs.keys.put(key, read{Value: v, from: from, soft: soft})
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

// promote turns soft reads into ordinary ones: a change that comes now may depend on them.
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

// settle brings the reads up to landed, the commit of w. The request knows what it wrote
// itself, but not what a rebase has made of it.
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
			r.Value, r.from, r.nonRepeatable = c.result, nil, false
		}
	}
	rs.relistChanged(w.changes)
}

func (rs *reads) relist(names []string) {
	if rs.listed != nil {
		rs.listed = &listing{names, rs.listed.soft}
	}
}

// relistChanged brings the listed names up to changes.
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

// stale returns the first key whose value in now is not the one that was read, of those
// that pick chooses.
func (rs *reads) stale(now *records.Content, pick func(*read) bool) (string, bool) {
	for i := range rs.keys.rows {
		key, r := rs.keys.rows[i].key, &rs.keys.rows[i].value
		if r.from != now && pick(r) && !r.Equal(valueIn(now, key)) {
			return key, true
		}
	}
	return "", false
}

// listingStale reports whether the listed keys are not those of now.
func (rs *reads) listingStale(now *records.Content) bool {
	return rs.listed != nil && !rs.listed.soft && !slices.Equal(rs.listed.names, names(&now.Entries))
}

// hard picks the reads that are not soft.
func hard(r *read) bool { return !r.soft }

func names(entries *envelope.Entries) []string {
	all := make([]string, 0, entries.Len())
	for name := range entries.All() {
		all = append(all, string(name))
	}
	return all
}
