package sim

import "slices"

// RevokeEverything begins an epoch. An instance knows of it some time later, but when
// RevokeEverything returns. A session ends on an instance that knows of a later epoch than
// its own.

// maxHosts is the maximum number of instances.
const maxHosts = 4

// epochs are the present epoch, and what the instances know of it.
type epochs struct {
	now   int8
	known [maxHosts]int8
}

// advance begins an epoch. No instance has to know it until the call returns.
func (e *epochs) advance() { e.now++ }

// learn lets all instances know the epoch.
func (e *epochs) learn() {
	for h := range e.known {
		e.known[h] = e.now
	}
}

// birth is the epoch in which a session began. That is one of those that its instance knew
// while the request was served: it takes time to save a session.
type birth struct {
	epoch int8 // the latest possible one
	floor int8 // the earliest

	unsure bool // it was empty, and may begin with the next commit
	coming bool // it may have begun later than what it replaces has ended, until that is answered
}

// born returns the epoch of a session that s begins.
func (w *world) born(s *script) birth {
	return birth{epoch: w.epochs.known[s.host], floor: w.at[s.id].floor}
}

// arrives notes that the session which s has begun, if any, is stored by now.
func (w *world) arrives(s *script) {
	if t := s.own(); t < maxAccounts && w.accounts[t].coming {
		a := &w.accounts[t]
		a.epoch = max(a.epoch, w.epochs.known[s.host])
	}
}

// meets reports whether a lives for s, which loads it, and lets the instance learn the epoch
// of a.
func (w *world) meets(a *account, s *script) bool {
	if !w.alive(a, s) {
		return false
	}
	known := &w.epochs.known[s.host]
	*known = max(*known, a.epoch)
	return true
}

// elder searches on with the session of a visit having begun in an earlier epoch.
func (o *oracle) elder(from int, w world, visit int, at ticket) bool {
	a := &w.accounts[at]
	for a.state == live && a.floor < a.epoch {
		a.epoch--
		if o.advance(from, w, visit) {
			return true
		}
	}
	return false
}

// buried searches on with a tombstone of the session of a visit, which RevokeEverything has
// ended. A logout that began before may have left it, also one that has failed.
func (o *oracle) buried(from int, w world, visit int, at ticket) bool {
	s, a := o.scripts[visit], &w.accounts[at]
	if !a.stored(s) || w.alive(a, s) || !slices.ContainsFunc(o.h.events[:from], func(e event) bool {
		u := o.scripts[e.visit]
		return e.what == begin && u.sent == at && u.has(destroy)
	}) {
		return false
	}
	w.end(a, s, noTicket)
	a.since = 0
	return o.advance(from, w, visit)
}

// learnOne searches on with one instance more that knows of the epoch.
func (o *oracle) learnOne(from int, w *world) bool {
	for h, known := range w.epochs.known {
		if known == w.epochs.now {
			continue
		}
		next := *w
		next.epochs.known[h]++
		if o.search(from, next) {
			return true
		}
	}
	return false
}

// returns reports whether e is the return of a call which changes what may happen later.
func (o *oracle) returns(w *world, e event) bool {
	if e.what != end {
		return false
	}
	s := o.scripts[e.visit]
	if t := s.own(); o.h.program.revokes && t < maxAccounts && w.accounts[t].coming {
		return true
	}
	_, all := s.administers(revokeEverything)
	_, some := s.administers(revokeBy)
	return s.loaded && s.succeeds() && (all || some)
}
