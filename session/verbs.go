package session

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
)

// mutate applies fn to the state, unless the request is over.
func (s *Session) mutate(what string, fn func(*state)) {
	s.lock()
	defer s.mu.Unlock()
	if !s.writable(what, "") {
		return
	}
	fn(&s.state)
}

// writable reports whether the session still takes changes. If not, that is logged,
// and the next Save fails: nobody must take the change for saved.
func (s *Session) writable(what, key string) bool {
	if !s.ended || s.updating {
		return true
	}
	if key != "" {
		what = fmt.Sprintf("%s of key %q", what, key)
	}
	s.failed = cmp.Or(s.failed, fmt.Errorf("%w: %s came after it, outside of Session.Update", ErrRequestDone, what))
	s.m.cfg.Logger.Error("session: change dropped, its request is over; use Session.Update",
		slog.String("change", what), slog.String("public_id", s.state.id))
	return false
}

// get returns the value of key, with what decodes it, and remembers that it was read.
func (s *Session) get(key string, blind bool) (cell, Codec) {
	s.lockFor(key)
	defer s.mu.Unlock()
	return s.see(key, blind), s.state.view.base.codec
}

// see is get under the lock. What comes from the stored content counts as
// read, also through an Update of it.
func (s *Session) see(key string, blind bool) cell {
	st := &s.state
	own := st.view.own.find(key)
	if own != nil && own.updated && s.closures == 0 {
		st.reads.harden() // what an Update gave rests on all that its closure read
	}
	c, fromBase := st.view.cell(key)
	if !fromBase {
		return c
	}
	stored := c
	if own != nil {
		stored = st.view.base.cell(key)
	}
	st.reads.nonEmpty = st.reads.nonEmpty || stored.present
	if !blind {
		st.reads.note(key, stored, st.view.base, s.closures > 0)
	}
	return c
}

// isHEAD reports whether the session is that of a HEAD request.
func (s *Session) isHEAD() bool { return s.pass.request.Method == http.MethodHead }

// take deletes key, if it still holds c, which was popped. If not, it reports false
// and whether another goroutine of the request was first.
func (s *Session) take(key string, c cell, blind bool) (taken, outrun bool) {
	s.lockFor(key)
	defer s.mu.Unlock()
	if now, _ := s.state.view.cell(key); !now.equal(c) {
		return false, true
	}
	if !s.writable("Pop", key) {
		return false, false
	}
	pop := change{verb: verbPop, key: key, blind: blind}
	if !blind {
		s.state.popped = append(s.state.popped, pop)
	}
	s.apply(pop)
	return true, false
}

func (s *Session) set(key string, to cell, blind bool, merging *merge) {
	s.lockFor(key)
	defer s.mu.Unlock()
	if !s.writable("Set", key) {
		return
	}
	if merging != nil {
		merging.base = s.mergeBase(key)
	}
	s.apply(change{verb: verbSet, key: key, told: to, blind: blind, merge: merging})
}

// firm is get for GetOrSet: what it returns is used as what will be stored, also where
// the key may be lost or has a merge. So what an Update or a merge has given is set,
// and a parallel change of it is a conflict.
func (s *Session) firm(key string) (cell, Codec) {
	s.lockFor(key)
	defer s.mu.Unlock()
	c := s.see(key, false)
	if st := &s.state; c.present && st.provisional(key) && s.writable("GetOrSet", key) {
		st.reads.note(key, st.view.base.cell(key), st.view.base, false)
		s.apply(change{verb: verbCreate, key: key, told: c})
	}
	return c, s.state.view.base.codec
}

// provisional reports whether what the request sees of key may not be what is
// stored: an Update is applied again, and a merge takes in another's value.
func (st *state) provisional(key string) bool {
	own := work{changes: st.changes}.last(key)
	return !st.cleared && own != nil && (own.verb == verbUpdate || own.merge != nil)
}

// create sets key to mine if it still is what GetOrSet has found. If not, another
// goroutine of the request has set it.
func (s *Session) create(key string, found, mine cell) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, _ := s.state.view.cell(key); !now.equal(found) {
		return false
	}
	if s.writable("GetOrSet", key) {
		s.apply(change{verb: verbCreate, key: key, told: mine})
	}
	return true
}

// takes reports whether the session takes a change of key by that verb.
func (s *Session) takes(verb, key string) bool {
	s.lockFor(key)
	defer s.mu.Unlock()
	return s.writable(verb, key)
}

// mergeBase returns the value that a three-way merge of key starts from: the
// one the request read, or else the one it was loaded with.
func (s *Session) mergeBase(key string) cell {
	if s.state.view.own.find(key) != nil { // it was changed before
		for i := range s.state.changes {
			if c := &s.state.changes[i]; c.key == key && c.merge != nil {
				return c.merge.base
			}
		}
	}
	if r := s.state.reads.keys.find(key); r != nil {
		return r.cell
	}
	return s.state.view.base.cell(key)
}

func (s *Session) delete(key string, blind bool) {
	s.lockFor(key)
	defer s.mu.Unlock()
	if s.writable("Delete", key) {
		s.apply(change{verb: verbDelete, key: key, blind: blind})
	}
}

// apply adds a change whose result does not depend on the stored value.
func (s *Session) apply(c change) {
	st := &s.state
	st.reads.harden()
	own, err := s.reapply(c) // a three-way merge, if the base is newer than what was read
	if err != nil {
		st.encoding = cmp.Or(st.encoding, err)
		return
	}
	st.changes = append(st.changes, c)
	st.view.put(c.key, own)
}

// update runs first, and adds again as the change to apply at a rebase. The
// closures run without the lock, since they may read the session; if another
// goroutine has changed the key meanwhile, first runs once more.
func (s *Session) update(key string, blind bool, first, again update) {
	s.lockFor(key)
	defer s.mu.Unlock()
	if !s.writable("Update", key) {
		return
	}
	s.state.reads.harden()
	for range maxRetries {
		old, _ := s.state.view.cell(key)
		own, err := s.runUpdate(key, blind, first)
		if err != nil {
			s.state.encoding = cmp.Or(s.state.encoding, err)
			return
		}
		if now, _ := s.state.view.cell(key); !now.equal(old) {
			continue
		}
		s.state.changes = append(s.state.changes, change{verb: verbUpdate, key: key, blind: blind, told: own.cell, update: again})
		s.state.view.put(key, own)
		return
	}
	s.state.encoding = fmt.Errorf("%w: Update of key %q: the key changes whenever its closure runs; the closure itself must not set it", ErrEncode, key)
}

// maxRetries bounds how often goroutines of one request may come in between.
const maxRetries = 1000

// unlocked runs fn without the lock and counts it out of the running closures.
func (s *Session) unlocked(fn update, old cell) (cell, error) {
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.closures--
	}()
	return fn(old)
}

func (s *Session) codec() Codec {
	s.lock()
	defer s.mu.Unlock()
	return s.state.view.base.codec
}

func (s *Session) failEncoding(verb, key string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writable(verb, key) {
		s.state.encoding = cmp.Or(s.state.encoding, err)
	}
}

// logUndecodable leaves out what the decoder says: it may quote the value.
func (s *Session) logUndecodable(key string, t reflect.Type) {
	event := s.m.watch(OpUndecodable)
	event.PublicID, event.Key = s.PublicID(), key
	event.Err = fmt.Errorf("session: the value of key %q does not decode into %s", key, t)
	s.m.observed(s.pass.request.Context(), event)
	s.m.cfg.Logger.Error("session: stored value does not decode and reads as absent",
		slog.String("public_id", s.PublicID()), slog.String("key", key), slog.String("type", t.String()))
}
