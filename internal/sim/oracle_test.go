package sim

import "fmt"

// oracle searches a serial order of what was seen: just in time, in the order
// of the answers. When an answer comes, all that it tells must have happened;
// nothing of a visit happens before it began. What is of unknown outcome
// happens at any later time, or never.
type oracle struct {
	h       *history
	scripts []*script
	tried   map[where]bool
	deepest int // the first event that could not be reached
}

// where is a point of the search.
type where struct {
	event int
	world
}

// explain returns why no serial order explains what was seen; nil if one does.
func (h *history) explain() error {
	o := &oracle{h: h}
	for _, v := range h.visits {
		o.scripts = append(o.scripts, newScript(v, h.program))
	}
	if o.search(0, newWorld(h.program.start)) {
		return nil
	}
	e := h.events[o.deepest]
	return fmt.Errorf("no serial order explains the answer to visit %d", e.visit)
}

// search reports whether the events from the given one on can be explained.
func (o *oracle) search(from int, w world) bool {
	for ; from < len(o.h.events); from++ {
		e := o.h.events[from]
		if e.end && !o.ends(&w, e.visit) {
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
		if !e.end && e.visit != waiting && o.step(from, w, e.visit) {
			return true
		}
	}
	return false
}

// step searches on from the next step of a visit.
func (o *oracle) step(from int, w world, visit int) bool {
	s := o.scripts[visit]
	switch p := w.at[visit]; {
	case p.step == over || int(p.step) > len(s.steps):
		return false
	case p.step == 0:
		return s.loaded && w.load(s) && o.search(from, w)
	}
	return w.take(s) && o.search(from, w)
}

// over is the step of a visit that has nothing left to do.
const over = -1

// ends reports whether a visit can be answered as it was, and ends it.
func (o *oracle) ends(w *world, visit int) bool {
	s := o.scripts[visit]
	p := &w.at[visit]
	if !s.loaded {
		return s.out == noTicket
	}
	if int(p.step) < s.must+1 || !s.fits(p.gave) {
		return false
	}
	if int(p.step) > len(s.steps) {
		*p = place{step: over}
	}
	return true
}

// fits reports whether the answer treats the cookie as it should. That of an
// error may leave it alone.
func (s *script) fits(gave ticket) bool {
	return s.out == gave || s.err != nil && s.out == noTicket
}

// check returns what is wrong with a history.
func (h *history) check() error {
	if err := h.rules(); err != nil {
		return err
	}
	return h.explain()
}
