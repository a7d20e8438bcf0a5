package sim

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
			d = d.cleared()
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
