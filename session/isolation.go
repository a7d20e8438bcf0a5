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
			return conflict(fmt.Sprintf("key %q was read by this request and has changed meanwhile; run the handler in Manager.Replay, or read it in Session.Update", key))
		}
		if w.reads.listingStale(now) {
			return conflict("this request listed the keys, and they have changed meanwhile")
		}
	}
	if l == LevelStrict && w.base != now && !w.base.Entries.Equal(&now.Entries) {
		return conflict("the session has changed meanwhile, and LevelStrict merges nothing")
	}
	return w.checkWritten(now)
}

// checkWritten is the rule of LevelMerge: no key that was read and then set,
// popped or deleted may have changed. The other levels keep it too.
func (w work) checkWritten(now *content) error {
	if w.cleared {
		if key, stale := w.reads.stale(now, func(*read) bool { return true }); stale {
			return conflictOn(key, "was read and cleared by this request and has changed meanwhile")
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
		return conflictOn(c.key, "was read and changed by this request and has changed meanwhile")
	}
	return nil
}

// merges reports whether c has a three-way merge that applies: not where one
// side deleted the key.
func (c *change) merges(theirs cell) bool {
	return c.merge != nil && c.verb == verbSet && theirs.present && c.merge.decodes(theirs)
}

func conflict(why string) error { return fmt.Errorf("%w: %s", ErrConflict, why) }

func conflictOn(key, what string) error {
	return fmt.Errorf("%w: key %q %s; change it by Key.Update, or run the handler in Manager.Replay", ErrConflict, key, what)
}
