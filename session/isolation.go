package session

import (
	"fmt"
)

// Isolation says which changes of parallel requests conflict. The levels are
// named as in database/sql.
type Isolation int

// The isolation levels, weakest first.
const (
	// LevelMerge keeps every key right by itself. A request conflicts when a
	// key that it read and then set, popped, deleted or cleared has changed
	// meanwhile. Changes of different keys are merged.
	LevelMerge Isolation = iota

	// LevelSerializable keeps the session right as a whole: what the requests
	// that were not refused did and saw could have been done one after the
	// other. A request that changed anything conflicts when a key it read, or
	// the set of keys it listed, has changed meanwhile. What an Update read
	// counts only if the request made another change after it.
	LevelSerializable

	// LevelStrict merges nothing: a request that changed anything, a logout
	// included, conflicts when any key has changed meanwhile. That a session
	// was merely used is no change.
	LevelStrict
)

// work is what a request is about to commit.
type work struct {
	changes []change
	cleared bool
	reads   *reads
	base    *content // the content the changes were made on
}

// check decides whether w may be committed on top of now, or conflicts with
// what has changed since the request read it.
func (l Isolation) check(w work, now *content) error {
	if l >= LevelSerializable {
		if key, stale := w.reads.stale(now, hard); stale {
			return l.conflictOn(w, key, w.last(key))
		}
		if w.reads.listingStale(now) {
			return conflict("this request listed the keys, and they have changed meanwhile", runAgain)
		}
	}
	if l == LevelStrict && w.base != now && !w.base.Entries.Equal(&now.Entries) {
		return conflict("the session has changed meanwhile, and LevelStrict merges nothing", runAgain)
	}
	return l.checkWritten(w, now)
}

// checkWritten is the rule of LevelMerge: no key that was read and then set,
// popped or deleted may have changed. The other levels keep it too.
func (l Isolation) checkWritten(w work, now *content) error {
	if w.cleared {
		if key, stale := w.reads.stale(now, func(*read) bool { return true }); stale {
			return l.conflictOn(w, key, nil)
		}
	}
	for i := range w.changes {
		c := &w.changes[i]
		if c.verb == verbUpdate || c.blind {
			continue
		}
		r := w.reads.keys.find(c.key)
		if r == nil || r.from == now {
			continue
		}
		theirs := now.cell(c.key)
		if r.equal(theirs) || c.merges(theirs) && !r.torn {
			continue
		}
		return l.conflictOn(w, c.key, c)
	}
	return nil
}

// merges reports whether c has a three-way merge that applies: not where one
// side deleted the key.
func (c *change) merges(theirs cell) bool {
	return c.merge != nil && c.verb == verbSet && theirs.present && c.merge.decodes(theirs)
}

// last returns the last change of key, nil if there is none.
func (w work) last(key string) *change {
	for i := len(w.changes) - 1; i >= 0; i-- {
		if c := &w.changes[i]; c.key == key {
			return c
		}
	}
	return nil
}

// runAgain is the remedy that fits most conflicts.
const runAgain = "run the handler in Manager.Replay"

// conflictOn is the conflict of a request that has read key and done c with it, nil
// for nothing. It names what helps, which depends on c: see the tests of this text.
func (l Isolation) conflictOn(w work, key string, c *change) error {
	did, remedy := "read", runAgain
	switch {
	case c == nil && w.cleared:
		did = "read and cleared"
	case c == nil:
		remedy += " or, if nothing but the change rests on it, read it in Session.Update"
	case c.verb == verbPop:
		did, remedy = "popped", "only one request gets it"
	case c.verb == verbDelete:
		did = "read and deleted"
	case c.verb == verbCreate:
		did, remedy = "set by GetOrSet", runAgain+" or, if its method is safe, in Manager.HandlerFunc"
	case c.verb == verbUpdate:
		did = "read and updated"
		if l < LevelStrict {
			remedy = "read it in the function of Key.Update alone, or " + runAgain
		}
	default:
		did, remedy = "read and set", l.insteadOfSet(w.reads.keys.find(key))
	}
	return conflict(fmt.Sprintf("key %q was %s by this request and has changed meanwhile", key, did), remedy)
}

// insteadOfSet is the remedy for a Set of what r has seen.
func (l Isolation) insteadOfSet(r *read) string {
	update := "use Key.Update if the new value is made of the old one alone, else "
	if l == LevelStrict {
		update = ""
	}
	if r == nil || r.present {
		return update + runAgain
	}
	return update + "use Key.GetOrSet to set what was absent, and " + runAgain + " or, if its method is safe, in Manager.HandlerFunc"
}

func conflict(why, remedy string) error { return fmt.Errorf("%w: %s; %s", ErrConflict, why, remedy) }
