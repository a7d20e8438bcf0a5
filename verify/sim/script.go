package sim

import (
	"slices"

	"github.com/holdfast-go/holdfast/session"
)

// script is a visit made ready for the model: which steps it took, and which
// of the things it read must be true when it takes them. That is all there is
// to the isolation levels.
type script struct {
	*visit
	level   session.Isolation
	kinds   [nKeys]kind
	rotates bool
	steps   []step
	views   [][]seen // what was read after the load, and after each step
	must    int8     // so many of the steps were taken when the answer came
}

// after returns how far s has come when the given segment is done: it has
// loaded, and made the steps up to there.
func (s *script) after(seg int) int8 {
	n := int8(1)
	for _, st := range s.steps {
		if st.index <= seg {
			n++
		}
	}
	return n
}

// commitsAfter reports whether the commit of the given segment follows on all that is in it:
// without a change there is none.
func (s *script) commitsAfter(seg int) bool {
	return slices.ContainsFunc(s.steps, func(st step) bool {
		return st.index == seg && (s.ofRefresh || st.renews || s.increases(st.ops))
	})
}

// increases reports whether ops do nothing to one of the keys but to increase it: what is set
// may have been there before.
func (s *script) increases(ops []seen) bool {
	var raised, written [nKeys]bool
	for _, o := range ops {
		for k := range nKeys {
			increases := (o.verb == update || o.verb == updateFrom) && s.kinds[k] != merging
			raised[k] = raised[k] || increases && o.key == k
			written[k] = written[k] || o.verb == destroy || !increases && o.writes(k)
		}
	}
	for k := range nKeys {
		if raised[k] && !written[k] {
			return true
		}
	}
	return false
}

// until returns how far s may come, from the given segment on, without calling
// Session.Update.
func (s *script) until(seg int) int8 {
	for seg < len(s.segs) && !s.segs[seg].tx {
		seg++
	}
	return s.after(seg - 1)
}

// step is a commit that was made, that may have been made, or that found its
// session gone.
type step struct {
	segment
	index                            int  // of the segment
	need                             data // what reads in earlier segments demand, or free
	renews, destroys, persists, pops bool
	revokes                          bool
	revokesAll                       bool // RevokeEverything
	saw                              bool // something of the session that it was bound to before
}

// free marks a key of which nothing is demanded.
const free = none + 1

var anything = data{free, free, free, free, free, free}

func newScript(v *visit, p *Program) *script {
	s := &script{visit: v, level: p.level, kinds: p.kinds, rotates: p.rotates}
	known := anything
	var look look
	var view []seen
	for i, g := range v.segs {
		failed := g.verdict != committed
		g = s.truncated(g)
		if hasVerb(g, revokeEverything) && failed { // it may have ended everything all the same
			g.verdict = unknown
		}
		s.mark(g)
		view = append(view, s.plausible(i, g)...)
		saw := look.at(g.ops)
		if g.verdict == gone || (g.verdict == committed || g.verdict == unknown) && (g.tx || s.changes(g.ops)) {
			st := s.newStep(i, g, known)
			st.saw = saw
			s.steps = append(s.steps, st)
			s.views = append(s.views, view)
			view = nil
		}
		if failed { // what a handler reads after a failure is anybody's guess
			break
		}
		s.learn(&known, g.ops)
	}
	s.views = append(s.views, view)
	s.must = int8(len(s.steps))
	if n := s.must; n > 0 && s.steps[n-1].verdict == unknown {
		s.must--
	}
	return s
}

// look is what a request has surely seen of the session it came with.
type look struct {
	mine [nKeys]bool // keys that the request has written
	saw  bool        // a value that it has not written itself
}

// at adds ops, and returns what was seen before the Destroy among them, or else by all.
func (l *look) at(ops []seen) (saw bool) {
	for _, o := range ops {
		switch o.verb {
		case get, pop, refresh:
			l.saw = l.saw || o.val != none && !l.mine[o.key]
		case update:
			l.saw = l.saw || o.was != 0 && !l.mine[o.key]
		case updateFrom:
			l.saw = l.saw || o.was != 0 && !l.mine[o.key] || o.other != 0 && !l.mine[o.from]
		case keys:
			for k, mine := range l.mine {
				l.saw = l.saw || !mine && o.val&(1<<k) != 0
			}
		case destroy:
			saw = saw || l.saw
			*l = look{mine: [nKeys]bool{true, true, true, true, true, true}}
		}
		for k := range l.mine {
			l.mine[k] = l.mine[k] || o.writes(k)
		}
	}
	return saw || l.saw
}

// lossy reports whether ops change nothing but keys that may lose a change.
func (s *script) lossy(ops []seen) bool {
	for _, o := range ops[cut(ops):] {
		switch o.verb {
		case set, setGot, del, update, updateFrom:
			if s.kinds[o.key] != lastWins || o.key == label {
				return false
			}
		case pop:
			if o.val != none && s.kinds[o.key] != lastWins {
				return false
			}
		case clear_, renew, persist:
			return o.verb == persist
		}
	}
	return true
}

// truncated cuts what follows a logout that is known to have happened, its
// cookie being cleared, though the commit failed: a new session's did.
func (s *script) truncated(g segment) segment {
	if i := cut(g.ops); i > 0 && g.verdict >= refused && s.out == cleared {
		return segment{ops: g.ops[:i], verdict: committed}
	}
	return g
}

// plausible returns the reads of a segment that must make sense. A merging key
// that an earlier segment has read or merged may be merged again when it is set,
// with what is no longer its base: the commit is refused for that, if there is one.
func (s *script) plausible(i int, g segment) []seen {
	torn := slices.IndexFunc(g.ops, func(o seen) bool { return s.kinds[o.key] == merging && o.overwrites(o.key) })
	if i > 0 && torn >= 0 && (g.verdict == refused || g.verdict == idle) {
		return g.ops[:torn]
	}
	if g.retried > 0 { // the Save that failed may have read the session anew
		return g.ops[:g.retried]
	}
	return g.ops
}

// cut returns where the ops begin that come after a Destroy, or 0.
func cut(ops []seen) int {
	return 1 + slices.IndexFunc(ops, func(o seen) bool { return o.verb == destroy })
}

func (s *script) newStep(i int, g segment, known data) step {
	st := step{segment: g, index: i, need: known}
	for k := range st.need {
		if !s.demands(g.ops, k) {
			st.need[k] = free
		}
	}
	for i, o := range g.ops {
		switch o.verb {
		case renew:
			st.renews = true
		case destroy:
			st.destroys, st.persists = true, false
		case persist:
			st.persists = true
		case revoke:
			st.revokes = true
		case revokeEverything:
			st.revokesAll = true
		case pop:
			st.pops = st.pops || s.takes(g.ops[:i], o)
		}
	}
	return st
}

// takes reports whether the pop o, after ops, took something out of the stored
// session, of which there must be one only.
func (s *script) takes(ops []seen, o seen) bool {
	return o.val != none && s.kinds[o.key] != lastWins &&
		!slices.ContainsFunc(ops, func(before seen) bool { return before.overwrites(o.key) || before.verb == destroy })
}

// demands reports whether a commit of ops depends on what was read of k in an
// earlier segment, and not again.
func (s *script) demands(ops []seen, k int) bool {
	for _, o := range ops {
		if o.reads(k) {
			return false
		}
		if o.overwrites(k) {
			break
		}
	}
	if s.level == session.LevelMerge {
		return s.overwritten(ops, k)
	}
	return s.changes(ops)
}

// learn notes what a request knows of the keys after a committed segment: what
// it read of them, or wrote to those that it had read.
func (s *script) learn(known *data, ops []seen) {
	var mine [nKeys]bool
	for _, o := range ops {
		switch o.verb {
		case get, pop:
			if !mine[o.key] && s.counts(o.key) {
				known[o.key] = o.val
			}
		}
		for k := range known {
			if !o.writes(k) {
				continue
			}
			mine[k] = true
			switch {
			case known[k] == free:
			case o.verb == update, o.verb == updateFrom: // the commit's business
				known[k] = free
			case o.verb == set, o.verb == setGot:
				known[k] = o.val
			default:
				known[k] = none
			}
		}
		if o.verb == destroy {
			*known = anything
		}
	}
}

// counts reports whether a read of k can ever be in conflict.
func (s *script) counts(k int) bool {
	if s.level == session.LevelMerge {
		return s.kinds[k] == plain
	}
	return s.kinds[k] != lastWins
}

// mark finds the reads that must hold on commit.
func (s *script) mark(g segment) {
	// LevelStrict lets nothing happen between load and commit. Session.Update
	// loads anew, so what was read before it counts as with LevelSerializable.
	strict := s.level == session.LevelStrict && !g.tx
	for i := range g.ops {
		o := &g.ops[i]
		firm := func(k int, later []seen) bool {
			return !o.old && (o.tx || strict && k != label || s.holds(later, k) && !s.derived(g.ops[:i], k))
		}
		switch o.verb {
		case get, pop:
			o.firm = firm(o.key, g.ops)
		case keys:
			o.firm = o.tx || s.level > session.LevelMerge && s.changes(g.ops)
		case update, updateFrom: // what a closure saw counts once a later change could depend on it
			later := g.ops[i+1:]
			if s.level > session.LevelMerge && slices.ContainsFunc(later, func(l seen) bool { return l.reads(o.key) }) {
				later = g.ops // or once its result is read
			}
			o.firm, o.firmFrom = firm(o.key, later), firm(o.from, later)
		}
	}
}

// derived reports whether what is read of k after ops is the result of an
// Update that read a key which does not count: at LevelMerge any but its own.
// The Update sees to what does count.
func (s *script) derived(ops []seen, k int) bool {
	var tainted [nKeys]bool
	for _, o := range ops {
		switch {
		case o.verb == updateFrom:
			tainted[o.key] = tainted[o.key] || tainted[o.from] || s.level == session.LevelMerge || s.kinds[o.from] == lastWins
		case o.overwrites(o.key):
			tainted[o.key] = false
		}
	}
	return tainted[k]
}

// holds reports whether what was read of k must hold when ops are committed.
func (s *script) holds(ops []seen, k int) bool {
	switch {
	case s.kinds[k] == lastWins:
		return false
	case s.level == session.LevelMerge:
		return s.overwritten(ops, k)
	}
	return s.changes(ops)
}

// overwritten reports whether ops set, pop or delete k: then LevelMerge wants
// no change to it since it was read. Merging keys may be set; and what was set
// in a session that is destroyed then is of no account, but what was popped is.
func (s *script) overwritten(ops []seen, k int) bool {
	from := set
	if s.kinds[k] == merging {
		from = del
	}
	if i := cut(ops); i > 0 {
		ops, from = ops[:i], pop
	}
	return s.kinds[k] != lastWins && slices.ContainsFunc(ops, func(o seen) bool {
		return o.overwrites(k) && o.verb >= from && (from != pop || o.verb == pop)
	})
}

func (s *script) changes(ops []seen) bool { return slices.ContainsFunc(ops, seen.changes) }

func (o seen) changes() bool {
	switch o.verb {
	case get, keys, refresh, revokeBy, sessionsBy:
		return false
	case pop:
		return o.val != none
	}
	return true
}

func (o seen) reads(k int) bool { return (o.verb == get || o.verb == pop) && o.key == k }

func (o seen) writes(k int) bool {
	return o.overwrites(k) || (o.verb == update || o.verb == updateFrom) && o.key == k
}

func (o seen) overwrites(k int) bool {
	switch o.verb {
	case clear_:
		return k != label
	case set, setGot, del:
		return o.key == k
	case pop:
		return o.key == k && o.val != none
	}
	return false
}
