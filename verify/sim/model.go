package sim

import (
	"math"
	"time"
)

// The model is a session layer that serves one request at a time. It knows
// what was seen of each, and whether that could be so.

// account is a session, by the model's books.
type account struct {
	data
	state   state
	ended   int8   // the number of the epoch in which it was renewed or destroyed
	dies    int8   // the first major epoch that finds it expired
	persist bool   //
	next    ticket // what it was renewed to
	shown   int8   // and the first major epoch in which that could not live any more

	// Of one that has ended, and whose tombstone shows it.
	outside bool          // it was revoked
	claim   ticket        // the session that was begun over the tombstone
	login   bool          // by a Renew
	since   time.Duration // not before this, it ended or was claimed

	doubtful bool // a login was to end it, and may have failed to
}

type state uint8

const (
	unborn state = iota
	live
	ended
)

func (a *account) alive(at epoch) bool { return a.state == live && at.major < int(a.dies) }

// tomb reports whether a tombstone shows to s that a ended: it does for minutes, which is
// the rest of an epoch, and that of a renewal as long as what a became could live.
func (a *account) tomb(s *script) bool {
	return a.state == ended && (a.ended == s.epoch || a.next >= 0 && s.at.major < int(a.shown))
}

// fresh is what a visit is bound to that has no session: to a new one, should
// it change anything.
const fresh = noTicket

// place is how far a visit has come.
type place struct {
	step  int8   // 0: begun; 1: loaded; then one more for each step
	may   int8   // how far it may come by now
	bound ticket // its session
	gave  ticket // what its answer must do about the cookie
	faced bool   // it found a tombstone
	late  bool   // it has seen something of a session that another has ended before its Destroy
	anew  bool   // it goes on with a session that has nothing of what it read
}

// The most visits of a program, with a last look at all that they began.
const (
	maxRequests = 12
	maxAccounts = 1 + maxRequests
	maxVisits   = maxRequests + maxAccounts + maxRefreshes
)

// world is a state of the model, comparable.
type world struct {
	accounts [maxAccounts]account
	at       [maxVisits]place
}

func newWorld(p *Program) (w world) {
	for i := range w.accounts {
		w.accounts[i].data = nothing
	}
	first := account{data: p.start, state: live, dies: 1, next: noTicket, claim: noTicket}
	if p.rotates {
		first.extend(epoch{}, &step{persists: true})
	}
	w.accounts[origin] = first
	return w
}

// load lets v find its session, and checks what it then read.
func (w *world) load(s *script) bool {
	p := &w.at[s.id]
	*p = place{step: 1, may: p.may, bound: fresh, gave: noTicket}
	view := nothing
	if s.ofRefresh { // of a session that the request has loaded before, and that may have ended
		p.bound = s.sent
		_, ok := s.play(w.accounts[s.sent].data, s.views[0], true)
		return ok
	}
	if s.sent >= 0 {
		switch a := &w.accounts[s.sent]; {
		case a.alive(s.at):
			p.bound, view = s.sent, a.data
		case a.tomb(s):
			p.faced = true
		}
	}
	if s.isNew != (p.bound < 0) {
		return false
	}
	_, ok := s.play(view, s.views[0], true)
	return ok
}

// take takes the next step of v, and checks what v read after it.
func (w *world) take(s *script) bool {
	p := &w.at[s.id]
	st := &s.steps[p.step-1]
	p.step++
	if st.verdict == gone {
		return p.bound == fresh && (p.faced || p.late) || p.bound >= 0 && !w.accounts[p.bound].alive(s.at)
	}
	before := p.gave
	if !w.commit(s, st) {
		return false
	}
	if st.verdict == unknown { // no cookie goes out for what may not have been saved
		p.gave = before
	}
	view := nothing
	if p.bound >= 0 {
		view = w.accounts[p.bound].data
	}
	_, ok := s.play(view, s.views[p.step-1], true)
	return ok
}

// commit applies a segment.
func (w *world) commit(s *script, st *step) bool {
	p := &w.at[s.id]
	switch {
	case st.revokes:
		w.revoke(s)
		return true
	case p.bound < 0:
		return w.begin(s, st)
	}
	at := p.bound
	if st.destroys {
		at = w.successor(at, s)
	}
	a := &w.accounts[at]
	if !a.alive(s.at) {
		return w.late(s, st)
	}
	d, ok := s.play(a.data, st.ops, false)
	ok = ok && (p.anew || st.needs(a.data))
	if !ok {
		return false
	}
	switch {
	case st.destroys:
		w.end(a, s, noTicket)
		return w.restart(s, d, st)
	case st.renews:
		st := *st
		st.persists = st.persists || a.persist
		w.end(a, s, s.own())
		w.create(s, d, &st)
		a.shown = math.MaxInt8
		if st.persists {
			a.shown = w.accounts[s.own()].dies
		}
	default:
		a.data = d
		a.extend(s.at, st)
		if st.persists {
			p.gave = p.bound
		}
	}
	return true
}

// late commits what comes when the session has ended: a login begins an empty one, a
// logout has nothing left to do. Anything else should have failed, and so should what
// may carry on what was seen of the session.
func (w *world) late(s *script, st *step) bool {
	switch {
	case st.renews && st.saw:
		return false
	case st.renews:
		at := w.at[s.id].bound
		if !w.begin(s, st) {
			return false
		}
		w.takeOver(at, s)
		return true
	case st.destroys && !st.pops:
		d, ok := s.play(nothing, st.ops[cut(st.ops):], false)
		if st.saw && d != nothing {
			if !s.lossy(st.ops) {
				return false
			}
			d = nothing
		}
		w.at[s.id].late = st.saw
		return ok && w.restart(s, d, st)
	}
	return false
}

// begin commits on no session.
func (w *world) begin(s *script, st *step) bool {
	p := &w.at[s.id]
	p.anew = true
	d, ok := s.play(nothing, st.ops, false)
	switch {
	case !ok:
		return false
	case p.late:
		return !st.renews && (d == nothing || s.lossy(st.ops))
	case p.faced:
		return w.over(s, d, st)
	case st.renews, d != nothing:
		w.create(s, d, st)
	case s.out == s.own(): // an empty session may be stored, or not
		w.create(s, d, st)
	case st.destroys && s.sent >= 0: // an unknown cookie may be cleared, or not
		p.gave = s.out
	}
	return true
}

// over commits in the face of a tombstone. A login may begin a session there; another
// change, if nobody can still be waiting for the answer to an earlier one. Until then
// it fails, or is lost if it may be.
func (w *world) over(s *script, d data, st *step) bool {
	t := &w.accounts[s.sent]
	switch {
	case st.renews:
		w.create(s, d, st)
		w.takeOver(s.sent, s)
	case d == nothing:
	case s.lossy(st.ops) && s.out != s.own():
	case !t.claimable(s):
		return false
	default:
		w.create(s, d, st)
		t.claim, t.login, t.since = s.own(), false, s.begun
	}
	return true
}

// strictWindow is how long a tombstone takes no change, unless it was revoked.
const strictWindow = 30 * time.Second

func (a *account) claimable(s *script) bool {
	return a.outside && a.claim < 0 || s.end-a.since >= strictWindow
}

// takeOver lets s's login claim the tombstone of a session, and end what was begun
// there without one.
func (w *world) takeOver(at ticket, s *script) {
	t := &w.accounts[at]
	if !t.tomb(s) {
		return
	}
	if t.claim >= 0 && !t.login {
		if first := &w.accounts[t.claim]; first.alive(s.at) {
			first.doubtful, first.ended, first.since = true, s.epoch, s.begun
		}
	}
	t.claim, t.login, t.since = s.own(), true, s.begun
}

// resolve lets a doubtful session have ended when a login was to end it.
func (a *account) resolve() {
	*a = account{data: nothing, state: ended, ended: a.ended, next: noTicket, claim: noTicket, since: a.since}
}

// revoke ends the session of s, or what it was renewed to.
func (w *world) revoke(s *script) {
	at := w.at[s.id].bound
	if at < 0 {
		return
	}
	if a := &w.accounts[w.successor(at, s)]; a.alive(s.at) {
		w.end(a, s, noTicket)
		a.outside = true
	}
}

// restart is what follows on a logout: what was set after it, if anything,
// begins a new session.
func (w *world) restart(s *script, d data, st *step) bool {
	w.at[s.id].bound, w.at[s.id].gave = fresh, cleared
	if d != nothing {
		w.create(s, d, st)
	}
	return true
}

func (w *world) create(s *script, d data, st *step) {
	p := &w.at[s.id]
	p.bound, p.gave = s.own(), s.own()
	a := account{data: d, state: live, next: noTicket, claim: noTicket}
	a.extend(s.at, st)
	w.accounts[p.bound] = a
}

func (w *world) end(a *account, s *script, next ticket) {
	*a = account{data: nothing, state: ended, ended: s.epoch, next: next, claim: noTicket, since: s.begun}
}

// successor follows renewals, as far as tombstones show them.
func (w *world) successor(t ticket, s *script) ticket {
	for w.accounts[t].tomb(s) && w.accounts[t].next >= 0 {
		t = w.accounts[t].next
	}
	return t
}

// extend moves a's end, which never comes nearer.
func (a *account) extend(at epoch, st *step) {
	span := 1
	switch {
	case st.persists:
		a.persist, span = true, 2
	case a.persist:
		return
	}
	a.dies = max(a.dies, int8(at.major+span))
}

// needs reports whether d is what earlier segments make a commit depend on.
func (st *step) needs(d data) bool {
	for k, n := range st.need {
		if n != free && d[k] != n {
			return false
		}
	}
	return true
}

// play does what ops did, to d. In a view, all that was read must be so; in a
// commit, what is firm. Session.Update sees no view but what it commits on.
func (s *script) play(d data, ops []seen, view bool) (data, bool) {
	before, ok := d, true
	for i := range ops {
		o := &ops[i]
		if view && (o.tx || o.old) {
			continue
		}
		firm, firmFrom := view || o.firm, view || o.firmFrom
		switch o.verb {
		case get:
			if firm && d[o.key] != o.val {
				return d, false
			}
		case pop:
			if firm && d[o.key] != o.val {
				return d, false
			}
			if o.val != none {
				d[o.key] = none
			}
		case set, setGot:
			var merged bool
			d[o.key], merged = s.merge(o, before[o.key])
			ok = ok && merged
		case del:
			d[o.key] = none
		case update, updateFrom:
			was, other := number(d[o.key]), number(d[o.from])
			if o.verb == update {
				other = 0
			}
			if firm && was != o.was || firmFrom && other != o.other {
				return d, false
			}
			d[o.key] = was + other + o.n
		case keys:
			if firm && d.keys() != o.val {
				return d, false
			}
		case clear_:
			d = nothing
		case destroy:
			d, before, ok = nothing, nothing, true
		}
	}
	return d, ok
}

// merge returns what a set makes of a key that held theirs.
func (s *script) merge(o *seen, theirs int32) (int32, bool) {
	switch {
	case s.kinds[o.key] != merging, theirs == none && o.base == none:
		return o.val, true
	case theirs == none: // deleted meanwhile
		return none, false
	}
	return theirs + o.val - number(o.base), true
}
