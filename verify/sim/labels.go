package sim

import "slices"

// RevokeBy ends the sessions of a label one after the other, and SessionsBy reads them one
// after the other: no order of the requests has either as one step. RevokeBy may end any
// session of the label at any time until it returns, and must have ended those that had
// the label when it was called. SessionsBy may have seen a session as it was at any time
// between its call and its return.

// accountSet is a set of sessions, by ticket.
type accountSet uint16

func (s accountSet) has(t ticket) bool { return t >= 0 && s&(1<<t) != 0 }
func (s *accountSet) add(t ticket)     { *s |= 1 << t }

// labelled is what the model keeps of a session that has a label.
type labelled struct {
	due uint16 // the visits, by ID, whose RevokeBy must end it while it has the label
}

// relabel replaces a's data. Of a session whose label was changed, no RevokeBy that is under
// way has to end it any more.
func (a *account) relabel(d data) {
	if d[label] != a.data[label] {
		a.due = 0
	}
	a.data = d
}

// renews lets a be what the session before was renewed to.
func (a *account) renews(before *account) {
	a.epoch, a.floor, a.coming = before.epoch, before.floor, before.coming
	if a.data[label] == before.data[label] {
		a.due = before.due
	}
}

// cleared returns what a Clear leaves.
func (d data) cleared() data {
	left := nothing
	left[label] = d[label]
	return left
}

// maxLists is the maximum number of calls of SessionsBy in a program.
const maxLists = 2

// sightings are the states that a SessionsBy may have seen so far.
type sightings struct{ in, out accountSet }

// listing is a call of SessionsBy or RevokeBy, in the history.
type listing struct {
	*script
	begins, ends int // events
	label        int32
	index        int // of a SessionsBy: in world.lists
}

// open reports whether the call is under way before the given event. What has failed may
// still go on.
func (l *listing) open(from int) bool {
	return from > l.begins && (from <= l.ends || l.index < 0 && !l.succeeds())
}

// listingsOf returns the calls of a verb that were begun.
func (o *oracle) listingsOf(verb verb) (list []*listing) {
	for _, s := range o.scripts {
		call, ok := s.administers(verb)
		if !ok || !s.loaded {
			continue
		}
		l := &listing{script: s, label: call.n, index: -1}
		if verb == sessionsBy {
			l.index = len(list)
		}
		l.begins = slices.IndexFunc(o.h.events, func(e event) bool { return e.visit == s.id && e.what == begin })
		l.ends = slices.IndexFunc(o.h.events, func(e event) bool { return e.visit == s.id && e.what == end })
		list = append(list, l)
	}
	return list
}

// has reports whether a lives and has the label of l, as far as the instance of l knows.
func (w *world) has(a *account, l *listing) bool {
	return w.alive(a, l.script) && a.data[label] == l.label
}

// observe shows w to the calls of SessionsBy that are under way.
func (o *oracle) observe(from int, w *world) {
	for _, l := range o.lists {
		if !l.open(from) {
			continue
		}
		for t := range w.accounts {
			has := w.has(&w.accounts[t], l)
			if has {
				w.lists[l.index].in.add(ticket(t))
			}
			if !has || o.isComing(from, w, ticket(t)) {
				w.lists[l.index].out.add(ticket(t))
			}
		}
	}
}

// showsAll reports whether a SessionsBy may have listed what it has, and nothing else. An
// error tells nothing.
func (o *oracle) showsAll(from int, w *world, s *script) bool {
	i := slices.IndexFunc(o.lists, func(l *listing) bool { return l.script == s })
	if i < 0 || !s.succeeds() {
		return true
	}
	for t := range ticket(maxAccounts) {
		seen := w.lists[i].out
		if s.lists.has(t) {
			seen = w.lists[i].in
		}
		if !seen.has(t) && !(s.lists.has(t) && o.isBeingRenewed(from, t)) {
			return false
		}
	}
	return true
}

// isBeingRenewed reports whether the session may have been stored before the given event by
// a renewal that has not ended its predecessor yet.
func (o *oracle) isBeingRenewed(from int, t ticket) bool {
	return slices.ContainsFunc(o.h.events[:from], func(e event) bool {
		return e.what == begin && ticket(e.visit) == t-1 && o.scripts[e.visit].has(renew)
	})
}

// isComing reports whether a session may still be unknown to others before the given event.
func (o *oracle) isComing(from int, w *world, t ticket) bool {
	return w.accounts[t].coming && !slices.ContainsFunc(o.h.events[:from], func(e event) bool {
		return e.what == end && ticket(e.visit) == t-1
	})
}

// calls notes the sessions that a RevokeBy must end which begins now.
func (o *oracle) calls(from int, w *world, s *script) {
	for _, l := range o.revocations {
		if l.script != s {
			continue
		}
		for t := range w.accounts {
			if a := &w.accounts[t]; w.has(a, l) && !o.isComing(from, w, ticket(t)) {
				a.due |= 1 << s.id
			}
		}
	}
}

// hasEnded reports whether the RevokeBy of s has ended what it had to.
func (o *oracle) hasEnded(w *world, s *script) bool {
	for _, l := range o.revocations {
		if l.script != s || !s.succeeds() {
			continue
		}
		for t := range w.accounts {
			if a := &w.accounts[t]; w.has(a, l) && a.due&(1<<s.id) != 0 {
				return false
			}
		}
	}
	return true
}

// revokeOne searches on with one session more that a RevokeBy has ended.
func (o *oracle) revokeOne(from int, w *world) bool {
	for _, l := range o.revocations {
		if !l.open(from) {
			continue
		}
		for t := range w.accounts {
			if a := &w.accounts[t]; !a.stored(l.script) || a.data[label] != l.label {
				continue
			}
			next := *w
			a := &next.accounts[t]
			next.end(a, l.script, noTicket)
			a.outside = true
			if o.search(from, next) {
				return true
			}
		}
	}
	return false
}
