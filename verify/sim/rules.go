package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// rules returns the first rule of safety that an answer breaks all by itself.
func (h *History) rules() error {
	for _, v := range h.visits {
		switch {
		case v.breach != "":
			return fmt.Errorf("visit %d: %s", v.id, v.breach)
		case v.forgivesFailure():
			return fmt.Errorf("visit %d: a failed commit was followed by one that went well, or by a page", v.id)
		}
	}
	return nil
}

// Promises returns the first rule that an answer breaks by refusing what
// package session promises not to refuse.
func (h *History) Promises() error {
	for _, v := range h.visits {
		if v.ofRefresh {
			continue
		}
		switch verdict := judge(v.err); {
		case verdict == refused && v.cannotConflict(h.program):
			return fmt.Errorf("visit %d: a conflict of a request that nothing could be in the way of", v.id)
		case verdict == gone && !h.program.faulty() && v.has(renew) && !v.maySee() && v.cannotConflict(h.program):
			return fmt.Errorf("visit %d: a login met a tombstone and was refused", v.id)
		case verdict == gone && !h.program.faulty() && h.firstAfterRevoke(v):
			return fmt.Errorf("visit %d: a visitor whose session was revoked was refused", v.id)
		case !h.program.faulty() && v.fails() && !h.disturbed(v):
			return fmt.Errorf("visit %d: refused, though no other request changed anything meanwhile", v.id)
		}
	}
	return nil
}

// forgivesFailure reports whether a conflict, or an unknown outcome, did not
// stick.
func (v *visit) forgivesFailure() bool {
	bad := slices.IndexFunc(v.segs, func(g segment) bool {
		return g.verdict == refused || g.verdict == gone || g.verdict == unknown
	})
	if bad < 0 {
		return false
	}
	after := slices.ContainsFunc(v.segs[bad+1:], func(g segment) bool { return g.verdict == committed })
	return after || v.err == nil && v.status < 400
}

// cannotConflict reports whether v read nothing that counts, as when it only
// calls Update, or sets what it never got. (At LevelSerializable a second
// Update, a Get, or a Refresh, makes all count that the first has read.)
func (v *visit) cannotConflict(p *Program) bool {
	if len(v.segs) != 1 || v.segs[0].tx || p.level == session.LevelStrict {
		return false
	}
	if v.has(refresh) && v.has(clear_) { // it changes what it has read
		return false
	}
	newScript(v, p) // marks what is firm
	return !slices.ContainsFunc(v.segs[0].ops, func(o seen) bool {
		return p.level == session.LevelSerializable && (o.verb == get || o.verb == pop || o.verb == keys || o.verb == refresh) ||
			o.firm || o.firmFrom || p.kinds[o.key] == merging && o.overwrites(o.key)
	})
}

// maySee reports whether v has seen something of the session that it came with, or had
// an Update look again when others had changed it.
func (v *visit) maySee() bool {
	var look look
	return v.has(update) || v.has(updateFrom) || v.has(refresh) || v.readsLabel() ||
		slices.ContainsFunc(v.segs, func(g segment) bool { return look.at(g.ops) })
}

// firstAfterRevoke reports whether the session that v came with was revoked, and no
// other request has come with it since, or while it was revoked.
func (h *History) firstAfterRevoke(v *visit) bool {
	var last *visit // by its end
	for _, o := range h.visits {
		switch {
		case o == v || o.ofRefresh || o.sent != v.sent || o.period != v.period || v.sent < 0:
		case o.end >= h.since(v), o.has(renew), o.has(destroy): // the tombstone may be that one's
			return false
		case last == nil || o.end > last.end:
			last = o
		}
	}
	if last == nil || slices.ContainsFunc(h.visits, func(o *visit) bool {
		return o != v && o != last && o.sent == v.sent && o.end >= last.begun && o.begun <= v.end
	}) {
		return false
	}
	return last.has(revoke) && last.err == nil && !last.isNew && last.status < 400
}

func (v *visit) has(verb verb) bool {
	return slices.ContainsFunc(v.segs, func(g segment) bool {
		return slices.ContainsFunc(g.ops, func(o seen) bool { return o.verb == verb })
	})
}

// fails reports whether anything but a tombstone came in v's way.
func (v *visit) fails() bool {
	return !v.loaded || slices.ContainsFunc(v.segs, func(g segment) bool {
		return g.verdict == refused || g.verdict >= failed
	})
}

// disturbed reports whether another visit that changes anything overlaps v.
func (h *History) disturbed(v *visit) bool {
	return slices.ContainsFunc(h.visits, func(o *visit) bool {
		return o != v && o.begun <= v.end && h.since(v) <= o.end && o.changes()
	})
}

// since returns the time from which v may have seen the session.
func (h *History) since(v *visit) time.Duration {
	if h.program.maxStale > 0 && v.request.isSafe() {
		return v.begun - h.program.maxStale
	}
	return v.begun
}

func (v *visit) changes() bool {
	return v.has(refresh) || v.has(revokeBy) ||
		slices.ContainsFunc(v.segs, func(g segment) bool { return slices.ContainsFunc(g.ops, seen.changes) })
}
