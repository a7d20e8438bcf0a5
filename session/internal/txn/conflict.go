package txn

import (
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Isolation says which changes of parallel requests conflict; package session documents
// the levels.
type Isolation int

// The isolation levels, weakest first.
const (
	LevelMerge Isolation = iota
	LevelSerializable
	LevelStrict
)

// readWriteSet is what a request has read and is about to commit.
type readWriteSet struct {
	changes []change
	cleared bool
	reads   *reads
	base    *records.Content // the content the changes were made on
}

// check returns a conflict if w may not be committed on top of now, because data that the
// request has read has changed.
func (l Isolation) check(w readWriteSet, now *records.Content) error {
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

// checkWritten is the rule of LevelMerge: no key that was read and then set, popped or
// deleted may have changed. The other levels keep it too.
func (l Isolation) checkWritten(w readWriteSet, now *records.Content) error {
	if w.cleared {
		if key, stale := w.reads.stale(now, func(*read) bool { return true }); stale {
			return l.conflictOn(w, key, nil)
		}
	}
	for i := range w.changes {
		c := &w.changes[i]
		if c.verb == verbUpdate || c.lastWriteWins {
			continue
		}
		r := w.reads.keys.find(c.key)
		if r == nil || r.from == now {
			continue
		}
		theirs := valueIn(now, c.key)
		if r.value(c.key).Equal(theirs) || c.merges(now.Format, theirs) && !r.nonRepeatable {
			continue
		}
		return l.conflictOn(w, c.key, c)
	}
	return nil
}

// merges reports whether c has a three-way merge that applies. It does not apply if one
// side deleted the key.
func (c *change) merges(format string, theirs Value) bool {
	return c.merge != nil && c.verb == verbSet && theirs.Present && c.merge.Decodes(format, theirs)
}

// last returns the last change of key, or nil.
func (w readWriteSet) last(key string) *change {
	for i := len(w.changes) - 1; i >= 0; i-- {
		if c := &w.changes[i]; c.key == key {
			return c
		}
	}
	return nil
}

// runAgain is the remedy for most conflicts.
const runAgain = "run the handler in Manager.Replay"

// conflictOn returns the conflict of a request that has read key and then made the change
// c, or no change if c is nil. The text names a remedy, which depends on c: see the tests
// of this text.
func (l Isolation) conflictOn(w readWriteSet, key string, c *change) error {
	did, remedy := "read", runAgain
	switch {
	case c == nil && w.cleared:
		did = "read and cleared"
	case c == nil:
		remedy += " or, if only the change depends on it, read it in Session.Update"
	case c.verb == verbPop:
		did, remedy = "popped", "only one request gets it"
	case c.verb == verbDelete:
		did = "read and deleted"
	case c.verb == verbCreate:
		did, remedy = "set by GetOrSet", runAgain+" or, if its method is safe, in Manager.HandlerFunc"
	case c.verb == verbUpdate:
		did = "read and updated"
		if l < LevelStrict {
			remedy = "read it only in the function of Key.Update, or " + runAgain
		}
	default:
		r := w.reads.keys.find(key)
		did, remedy = "read and set", l.insteadOfSet(r != nil && !r.value(key).Present)
	}
	return conflict(fmt.Sprintf("key %q was %s by this request and has changed meanwhile", key, did), remedy)
}

// insteadOfSet is the remedy for a Set after a read. Absent means that there was no value.
func (l Isolation) insteadOfSet(absent bool) string {
	update := "use Key.Update if the new value depends only on the old one, else "
	if l == LevelStrict {
		update = ""
	}
	if !absent {
		return update + runAgain
	}
	return update + "use Key.GetOrSet to set what was absent, and " + runAgain + " or, if its method is safe, in Manager.HandlerFunc"
}

func conflict(why, remedy string) error { return fmt.Errorf("%w: %s; %s", ErrConflict, why, remedy) }
