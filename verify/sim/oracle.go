package sim

import "fmt"

// oracle searches a serial order of what was seen: just in time, in the order
// of the answers. When an answer comes, all that it tells must have happened;
// nothing of a visit happens before it began. What is of unknown outcome
// happens at any later time, or never.
type oracle struct {
	h                  *History
	scripts            []*script
	tried              map[where]bool
	early              []*early // by visit; nil: its load is after it has begun
	lists, revocations []*listing
	deepest            int // the first event that could not be reached
}

// where is a point of the search.
type where struct {
	event int
	world
}

// explain returns why no serial order explains what was seen; nil if one does.
func (h *History) explain() error {
	o := &oracle{h: h}
	for _, v := range h.visits {
		o.scripts = append(o.scripts, newScript(v, h.program))
		o.early = append(o.early, h.earlyLoad(v))
	}
	o.lists, o.revocations = o.listingsOf(sessionsBy), o.listingsOf(revokeBy)
	if o.search(0, newWorld(h.program)) {
		return nil
	}
	e := h.events[o.deepest]
	return fmt.Errorf("no serial order explains the answer to visit %d", e.visit)
}

// search reports whether the events from the given one on can be explained.
func (o *oracle) search(from int, w world) bool {
	o.observe(from, &w)
	for from < len(o.h.events) {
		before := w
		if !o.passes(&w, from) {
			w = before
			break
		}
		from++
		o.observe(from, &w)
		if o.returns(&w, o.h.events[from-1]) { // afterwards less may happen than before
			if o.search(from, w) {
				return true
			}
			w, from = before, from-1
			break
		}
	}
	o.deepest = max(o.deepest, from)
	if from == len(o.h.events) {
		return true
	}
	at := where{from, w}
	if o.tried[at] {
		return false
	}
	if o.tried == nil {
		o.tried = map[where]bool{}
	}
	o.tried[at] = true

	waiting := o.h.events[from].visit
	if o.step(from, w, waiting) {
		return true
	}
	for _, e := range o.h.events[:from] {
		if e.what == begin && e.visit != waiting && o.step(from, w, e.visit) {
			return true
		}
	}
	for visit, early := range o.early {
		if early.opens(from) && o.step(from, w, visit) {
			return true
		}
	}
	return o.revokeOne(from, &w) || o.learnOne(from, &w)
}

// step searches on from the next step of a visit. A session that a login was to end may
// have ended.
func (o *oracle) step(from int, w world, visit int) bool {
	s := o.scripts[visit]
	at := w.at[visit].bound
	if w.at[visit].step == 0 {
		at = s.sent
	}
	if at >= 0 && w.accounts[at].doubtful {
		over := w
		over.accounts[at].resolve()
		if o.advance(from, over, visit) {
			return true
		}
	}
	return o.advance(from, w, visit) || at >= 0 && (o.elder(from, w, visit, at) || o.buried(from, w, visit, at))
}

func (o *oracle) advance(from int, w world, visit int) bool {
	s := o.scripts[visit]
	switch p := w.at[visit]; {
	case p.step == 0 && !o.mayLoad(from, &w, visit):
		return false
	case p.step > 0 && p.step >= p.may:
		return false
	case p.step == 0:
		return s.loaded && w.load(s) && o.search(from, w)
	}
	return w.take(s) && o.search(from, w)
}

// passes reports whether an event can happen, and lets it: what a Save says was saved
// was saved before it returned. What a segment changes is saved when its handler has waited. It may have been so when the session was loaded,
// where there was nothing to change; Session.Update loads anew.
func (o *oracle) passes(w *world, from int) bool {
	e := o.h.events[from]
	s := o.scripts[e.visit]
	p := &w.at[e.visit]
	switch {
	case e.what == begin:
		p.may, p.floor = s.until(0), w.epochs.known[s.host]
		o.calls(from, w, s)
	case e.what == end:
		return o.showsAll(from, w, s) && o.hasEnded(w, s) && o.ends(w, s)
	case e.run != s.runs: // nobody knows of this run
	case e.what == call:
		p.may = s.until(e.seg + 1)
	case e.what == wake:
		return !s.commitsAfter(e.seg) || p.step < s.after(e.seg)
	case e.what == back:
		return p.step >= min(s.after(e.seg), 1+s.must)
	}
	return true
}

// ends reports whether a visit can be answered as it was, and ends it. What is
// of unknown outcome may still happen.
func (o *oracle) ends(w *world, s *script) bool {
	p := &w.at[s.id]
	if !s.loaded {
		return s.out == noTicket
	}
	if p.step < 1+s.must || !s.fits(p.gave) {
		return false
	}
	w.arrives(s)
	if int(p.step) > len(s.steps) {
		*p = place{}
	}
	if _, ok := s.administers(revokeEverything); ok && s.succeeds() {
		w.epochs.learn()
	}
	return true
}

// fits reports whether the answer treats the cookie as it should. That of an
// error may leave it alone. With rotation, an answer may set the cookie of the same session
// again, or leave that to the answer to another request.
func (s *script) fits(gave ticket) bool {
	keeps := func(t ticket) bool { return t == noTicket || t == s.sent && !s.isNew }
	return s.out == gave || s.err != nil && s.out == noTicket || s.rotates && keeps(s.out) && keeps(gave)
}

// Check returns what is wrong with a history: what no serial order of the requests
// explains, or what no answer may be.
func (h *History) Check() error {
	if err := h.rules(); err != nil {
		return err
	}
	return h.explain()
}
