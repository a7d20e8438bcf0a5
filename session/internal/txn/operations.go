package txn

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// mutate applies fn to the state, unless the request is over.
func (t *Txn) mutate(what string, fn func(*state)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.writable(what, "") {
		return
	}
	fn(&t.state)
}

// writable reports whether the session still takes changes. If not, it logs that, and
// makes the next Save fail, so that nobody takes the change for saved.
func (t *Txn) writable(what, key string) bool {
	if !t.over || t.updating {
		return true
	}
	if key != "" {
		what = fmt.Sprintf("%s of key %q", what, key)
	}
	t.failed = cmp.Or(t.failed, fmt.Errorf("%w: %s came after it, outside of Session.Update", ErrRequestDone, what))
	t.e.Logger.Error("session: change dropped, its request is over; use Session.Update",
		slog.String("change", what), slog.String("public_id", t.state.id))
	return false
}

// Get returns the value of key and the format of its encoding, and records the read.
func (t *Txn) Get(key string, lastWriteWins bool) (Value, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.see(key, lastWriteWins), t.state.view.base.Format
}

// see is Get with the lock held. A value from the stored content counts as read, even if
// an Update has been applied to it.
func (t *Txn) see(key string, lastWriteWins bool) Value {
	st := &t.state
	own := st.view.own.find(key)
	if own != nil && own.updated && t.closures == 0 {
		st.reads.promote() // the result of an Update depends on all reads of its closure
	}
	v, fromBase := st.view.value(key)
	if !fromBase {
		return v
	}
	stored := v
	if own != nil {
		stored = valueIn(st.view.base, key)
	}
	st.reads.nonEmpty = st.reads.nonEmpty || stored.Present
	if !lastWriteWins {
		st.reads.note(key, st.view.base, t.closures > 0)
	}
	return v
}

// Format returns the format in which values are encoded.
func (t *Txn) Format() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state.view.base.Format
}

// Pop deletes key if it still holds v, the value that was read. If not, it returns false,
// and outrun reports whether another goroutine of the request was first.
func (t *Txn) Pop(key string, v Value, lastWriteWins bool) (taken, outrun bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now, _ := t.state.view.value(key); !now.Equal(v) {
		return false, true
	}
	if !t.writable("Pop", key) {
		return false, false
	}
	pop := change{verb: verbPop, key: key, lastWriteWins: lastWriteWins}
	if !lastWriteWins {
		t.state.popped = append(t.state.popped, pop)
	}
	t.apply(pop)
	return true, false
}

// Set sets key to v. Merging is the key's three-way merge, or nil.
func (t *Txn) Set(key string, v Value, lastWriteWins bool, merging *Merge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.writable("Set", key) {
		return
	}
	if merging != nil {
		merging.base = t.mergeBase(key)
	}
	t.apply(change{verb: verbSet, key: key, result: v, lastWriteWins: lastWriteWins, merge: merging})
}

// GetFirm is Get for GetOrSet: the returned value must be the stored one, even if the key
// is LastWriteWins or has a merge. So it sets the key to the result of an Update or a
// merge, which makes a parallel change of the key a conflict.
func (t *Txn) GetFirm(key string) (Value, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := t.see(key, false)
	if st := &t.state; v.Present && st.provisional(key) && t.writable("GetOrSet", key) {
		st.reads.note(key, st.view.base, false)
		t.apply(change{verb: verbCreate, key: key, result: v})
	}
	return v, t.state.view.base.Format
}

// provisional reports whether the value that the request sees of key may differ from the
// stored one: an Update is applied again, and a merge includes the other request's value.
func (st *state) provisional(key string) bool {
	own := readWriteSet{changes: st.changes}.last(key)
	return !st.cleared && own != nil && (own.verb == verbUpdate || own.merge != nil)
}

// Create sets key to mine if it still holds found, the value that GetFirm has returned.
// If not, it returns false: another goroutine of the request has set the key.
func (t *Txn) Create(key string, found, mine Value) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now, _ := t.state.view.value(key); !now.Equal(found) {
		return false
	}
	if t.writable("GetOrSet", key) {
		t.apply(change{verb: verbCreate, key: key, result: mine})
	}
	return true
}

// Takes reports whether the session takes a change of key by that verb.
func (t *Txn) Takes(verb, key string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.writable(verb, key)
}

// mergeBase returns the base of a three-way merge of key: the value that the request
// read, or else the one it was loaded with.
func (t *Txn) mergeBase(key string) Value {
	if t.state.view.own.find(key) != nil { // it was changed before
		for i := range t.state.changes {
			if c := &t.state.changes[i]; c.key == key && c.merge != nil {
				return c.merge.base
			}
		}
	}
	if r := t.state.reads.keys.find(key); r != nil {
		return r.value(key)
	}
	return valueIn(t.state.view.base, key)
}

// Delete removes key.
func (t *Txn) Delete(key string, lastWriteWins bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writable("Delete", key) {
		t.apply(change{verb: verbDelete, key: key, lastWriteWins: lastWriteWins})
	}
}

// apply adds a change whose result does not depend on the stored value.
func (t *Txn) apply(c change) {
	st := &t.state
	st.reads.promote()
	own, err := t.reapply(c) // a three-way merge, if the base is newer than the value that was read
	if err != nil {
		st.encoding = cmp.Or(st.encoding, err)
		return
	}
	st.changes = append(st.changes, c)
	st.view.put(c.key, own)
}

// Update applies first, and records again as the change to apply at a rebase. The
// closures run without the lock, since they may read the session; if another goroutine
// has changed the key in the meantime, first runs again.
func (t *Txn) Update(key string, lastWriteWins bool, first, again Update) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.writable("Update", key) {
		return
	}
	t.state.reads.promote()
	for range maxRetries {
		old, _ := t.state.view.value(key)
		own, err := t.runUpdate(key, lastWriteWins, first)
		if err != nil {
			t.state.encoding = cmp.Or(t.state.encoding, err)
			return
		}
		if now, _ := t.state.view.value(key); !now.Equal(old) {
			continue
		}
		t.state.changes = append(t.state.changes, change{verb: verbUpdate, key: key, lastWriteWins: lastWriteWins, result: own.Value, update: again})
		t.state.view.put(key, own)
		return
	}
	t.state.encoding = fmt.Errorf("%w: Update of key %q: the key changes whenever its closure runs; the closure itself must not set it", ErrEncode, key)
}

// maxRetries limits how often other goroutines of the request may change the key during
// an Update.
const maxRetries = 1000

// unlocked runs fn without the lock, and decrements the number of running closures.
func (t *Txn) unlocked(fn Update, old Value) (Value, error) {
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		t.closures--
	}()
	return fn(old)
}

// FailEncoding makes the commit fail with err, the error of a value that cannot be
// encoded.
func (t *Txn) FailEncoding(verb, key string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writable(verb, key) {
		t.state.encoding = cmp.Or(t.state.encoding, err)
	}
}

// Keys returns the names of the values, sorted.
func (t *Txn) Keys() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if st := &t.state; !st.view.cleared {
		st.reads.noteListing(st.view.base, t.closures > 0)
		st.reads.nonEmpty = st.reads.nonEmpty || st.view.base.Entries.Len() > 0
	}
	return t.state.view.keys()
}

// Clear removes every value that exists when the change is committed.
func (t *Txn) Clear() {
	t.mutate("Clear", func(st *state) {
		st.reads.promote()
		t.epoch++
		st.changes = nil
		st.cleared = true
		st.view.clear()
	})
}

// Renew gives the session a new ID at the commit.
func (t *Txn) Renew() {
	t.mutate("Renew", func(st *state) {
		st.reads.promote()
		st.renew = true
		st.destroyed = cmp.Or(st.destroyed, t.unread)
	})
}

// Destroy ends the session at the commit.
func (t *Txn) Destroy() {
	t.mutate("Destroy", func(st *state) {
		st.reads.promote()
		t.epoch++
		*st = state{
			identity:  identity{predecessor: st.predecessor},
			view:      view{base: records.NewContent(t.e.Format)},
			popped:    st.popped,
			destroyed: t.pendingDestroy(),
			reads:     reads{ended: st.reads.ended},
			began:     true,
		}
	})
}

// Persist makes the session end d from now; zero or less undoes an earlier Persist.
func (t *Txn) Persist(d time.Duration) {
	t.mutate("Persist", func(st *state) {
		st.reads.promote()
		st.persist = &d
	})
}

// SetLimits sets the session's own time limits; 0 leaves one as it is.
func (t *Txn) SetLimits(l records.Limits) {
	t.mutate("SetLimits", func(st *state) {
		st.reads.promote()
		if st.limits != nil {
			l = l.Or(*st.limits)
		}
		st.limits = &l
	})
}

// AuthenticatedAt returns when the stored session was last renewed. Like the owner, it is
// data of the session: what the request does may depend on it.
func (t *Txn) AuthenticatedAt() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := &t.state
	at := st.view.base.Fields.Times().Authenticated
	st.reads.nonEmpty = st.reads.nonEmpty || !at.IsZero()
	return at.Std()
}

// SetOwner sets the session's owner; "" removes it.
func (t *Txn) SetOwner(owner string) {
	t.mutate("SetOwner", func(st *state) {
		st.reads.promote()
		st.owner = &owner
	})
}

// Owner returns the session's owner, or "".
func (t *Txn) Owner() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := &t.state
	if st.owner != nil {
		return *st.owner
	}
	owner := st.view.base.Owner
	st.reads.nonEmpty = st.reads.nonEmpty || owner != ""
	return owner
}
