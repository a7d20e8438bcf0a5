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
	labelled
	birth
	state   state
	ended   int8   // the number of the period in which it was renewed or destroyed
	dies    int8   // the first major period that finds it expired
	persist bool   //
	next    ticket // what it was renewed to
	shown   int8   // and the first major period in which that could not live any more

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

// alive reports whether a lives as far as the instance of s knows.
func (w *world) alive(a *account, s *script) bool {
	return a.stored(s) && a.epoch >= w.epochs.known[s.host]
}

// stored reports whether the record of a is that of a session, which RevokeEverything may
// have ended.
func (a *account) stored(s *script) bool { return a.state == live && s.at.major < int(a.dies) }

// tomb reports whether a tombstone shows to s that a ended: it does for minutes, which is
// the rest of a period, and that of a renewal as long as what a became could live.
func (a *account) tomb(s *script) bool {
	return a.state == ended && (a.ended == s.period || a.next >= 0 && s.at.major < int(a.shown))
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
	floor int8   // the latest epoch that its instance knew when it began
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
	epochs   epochs
	lists    [maxLists]sightings
	at       [maxVisits]place
}

func newWorld(p *Program) (w world) {
	for i := range w.accounts {
		w.accounts[i].data = nothing
	}
	first := account{data: p.start, state: live, dies: 1, next: noTicket, claim: noTicket}
	if p.rotates {
		first.extend(period{}, &step{persists: true})
	}
	w.accounts[origin] = first
	return w
}

// load lets v find its session, and checks what it then read.
func (w *world) load(s *script) bool {
	p := &w.at[s.id]
	*p = place{step: 1, may: p.may, floor: p.floor, bound: fresh, gave: noTicket}
	view := nothing
	if s.ofRefresh { // of a session that the request has loaded before, and that may have ended
		p.bound = s.sent
		_, ok := s.play(w.accounts[s.sent].data, s.views[0], true)
		return ok
	}
	if s.sent >= 0 {
		switch a := &w.accounts[s.sent]; {
		case w.meets(a, s):
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
		return p.bound == fresh && (p.faced || p.late) || p.bound >= 0 && !w.alive(&w.accounts[p.bound], s)
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
	case st.revokesAll:
		w.epochs.advance()
		return true
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
	if a.unsure || a.coming && at == s.own() {
		a.epoch = w.epochs.known[s.host]
	}
	if !w.alive(a, s) {
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
		before := *a
		w.end(a, s, s.own())
		w.create(s, d, &st)
		w.accounts[s.own()].renews(&before)
		a.shown = math.MaxInt8
		if st.persists {
			a.shown = w.accounts[s.own()].dies
		}
	default:
		a.relabel(d)
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
		w.accounts[s.own()].coming = true
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
		w.accounts[s.own()].unsure = true
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
		w.accounts[s.own()].coming = true
		w.takeOver(s.sent, s)
	case d == nothing:
	case s.lossy(st.ops) && s.out != s.own():
	case !t.claimable(s):
		return false
	default:
		w.create(s, d, st)
		w.accounts[s.own()].coming = true
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
	if t.stored(s) && !w.alive(t, s) {
		w.end(t, s, noTicket) // the claim is written over what RevokeEverything has ended
	}
	if !t.tomb(s) {
		return
	}
	if t.claim >= 0 && !t.login {
		if first := &w.accounts[t.claim]; w.alive(first, s) {
			first.doubtful, first.ended, first.since = true, s.period, s.begun
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
	if a := &w.accounts[w.successor(at, s)]; a.stored(s) {
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
		w.accounts[s.own()].coming = true
	}
	return true
}

func (w *world) create(s *script, d data, st *step) {
	p := &w.at[s.id]
	p.bound, p.gave = s.own(), s.own()
	a := account{data: d, birth: w.born(s), state: live, next: noTicket, claim: noTicket}
	a.extend(s.at, st)
	w.accounts[p.bound] = a
}

func (w *world) end(a *account, s *script, next ticket) {
	*a = account{data: nothing, state: ended, ended: s.period, next: next, claim: noTicket, since: s.begun}
}

// successor follows renewals, as far as tombstones show them.
func (w *world) successor(t ticket, s *script) ticket {
	for w.accounts[t].tomb(s) && w.accounts[t].next >= 0 {
		t = w.accounts[t].next
	}
	return t
}

// extend moves a's end, which never comes nearer.
func (a *account) extend(at period, st *step) {
	span := 1
	switch {
	case st.persists:
		a.persist, span = true, 2
	case a.persist:
		return
	}
	a.dies = max(a.dies, int8(at.major+span))
}
