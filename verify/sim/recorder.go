package sim

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// recorder plays a request's handler and records what it sees. A replay starts
// the notes afresh: only the last run's answer reaches anybody.
type recorder struct {
	p   *Program
	v   *visit
	ctx context.Context

	event    func(what, int)
	run      *run
	actor    *actor // nil: nobody's
	met      verbs
	loadedID string // public ID of the session that the request came with
	outside  []seen // the middleware's
	segment         // the one being written, of this run
	tally
}

// tally is what a run knows of itself; a re-run of an Update's closure goes
// back to what it was at its start.
type tally struct {
	got     [nKeys]int32
	has     [nKeys]bool  // got is set
	base    [nKeys]int32 // of merging keys: what this segment first read
	based   [nKeys]bool
	deleted [nKeys]bool // in this segment
	saved   bool        // in an earlier one
	inTx    bool
}

// guard is the middleware of mode guarded.
func (h *recorder) guard(s verbs) {
	h.meet(s)
	h.act(s, op{verb: get, key: h.v.request.guarded})
	h.outside = h.ops
}

// leaf is the handler.
func (h *recorder) leaf(s verbs) int {
	h.again()
	h.meet(s)
	for _, o := range h.v.request.ops {
		if status := h.do(s, o); status != 0 {
			return status
		}
	}
	return h.v.request.status
}

// finish adds the last segment.
func (h *recorder) finish() { h.v.segs = append(h.v.segs, h.segment) }

func (h *recorder) meet(s verbs) {
	h.v.loaded, h.v.isNew = true, s.isNew()
	h.met = s
	if !h.v.isNew {
		h.loadedID = s.publicID()
		h.run.identify(h.loadedID, h.v.sent)
	}
}

// again begins a run, and checks that it may be.
func (h *recorder) again() {
	h.v.runs++
	if h.v.runs > 1 {
		h.checkReplay()
	}
	h.v.unsaved = false
	h.v.segs, h.segment, h.tally = nil, segment{ops: slices.Clone(h.outside)}, tally{}
	for i := range h.ops {
		h.ops[i].old = h.v.runs > 1 && h.p.kinds[h.ops[i].key] == lastWins
	}
}

// checkReplay judges by what the last run did. What it has committed, if that
// was anything, nobody will be able to explain.
func (h *recorder) checkReplay() {
	mode := h.v.request.mode
	if mode == handler || mode == unsafe {
		h.breach("%v ran its handler twice", mode)
	}
	for _, s := range append(h.v.segs, h.segment) {
		for _, o := range s.ops {
			popped := o.verb == pop && !o.tx && o.val != none && h.p.kinds[o.key] != lastWins
			if o.tookLease() {
				h.breach("replayed after %v", o)
			}
			if mode == safe && (popped || o.verb == renew || o.verb == destroy) {
				h.breach("replayed by itself after %v", o)
			}
		}
	}
}

func (h *recorder) breach(format string, args ...any) { h.v.breach = fmt.Sprintf(format, args...) }

// do takes a step. A status that is not 0 ends the run.
func (h *recorder) do(s verbs, o op) int {
	switch {
	case o.verb < save:
		h.act(s, o)
		return 0
	case o.verb == refresh:
		h.refresh(s, o)
		return 0
	case o.verb == pause:
		h.actor.pause(time.Duration(o.n) * time.Millisecond)
		h.event(wake, len(h.v.segs))
		return 0
	}
	h.event(call, len(h.v.segs))
	var err error
	switch o.verb {
	case save:
		err = s.save(h.ctx)
	case transact:
		err = h.transact(s, o)
	case revoke:
		if h.v.isNew { // there is nobody to revoke
			break
		}
		h.write(o, none)
		err = s.revoke(h.ctx)
	case revokeBy, sessionsBy, revokeEverything:
		h.write(o, none)
		err = h.administer(s, o)
	}
	h.event(back, len(h.v.segs))
	h.tx = o.verb == transact
	h.verdict = judge(err)
	if h.v.unsaved = h.verdict == failed; h.v.unsaved && o.verb == save && h.v.request.deaf && !h.renews() {
		h.verdict = idle // what it was to save stays to be saved
		if h.retried == 0 {
			h.retried = len(h.ops)
		}
		return 0
	}
	h.v.segs = append(h.v.segs, h.segment)
	saved := h.saved || err == nil
	last := h.verdict
	h.segment, h.tally = segment{}, tally{got: h.got, has: h.has, saved: saved}
	return h.heed(last)
}

// renews reports whether the segment has a Renew, which may have begun an empty session
// before it failed.
func (h *recorder) renews() bool {
	return slices.ContainsFunc(h.ops, func(o seen) bool { return o.verb == renew })
}

// heed returns how a handler answers a failed Save: not at all, if it is deaf.
func (h *recorder) heed(v verdict) int {
	switch {
	case v == committed:
		return 0
	case v == failed: // it may be saved later, so the answer must say no
		return http.StatusInternalServerError
	case h.v.request.deaf:
		return 0
	case v == unknown:
		return http.StatusServiceUnavailable
	}
	return http.StatusConflict
}

func (h *recorder) transact(s verbs, o op) error {
	mark, before := len(h.ops), h.tally
	return s.transact(h.ctx, func(s verbs) error {
		h.ops, h.tally = h.ops[:mark:mark], before
		h.inTx = true
		for _, inner := range o.body {
			h.act(s, inner)
		}
		h.inTx = false
		return nil
	})
}

// act takes a step that needs no storage.
func (h *recorder) act(s verbs, o op) {
	if h.skips(o) {
		return
	}
	k := o.key
	if h.p.kinds[k] == merging && !h.based[k] && o.verb >= set && o.verb <= updateFrom {
		h.act(s, op{verb: get, key: k})
	}
	switch o.verb {
	case get:
		h.note(o, h.read(s.get(k)), k)
	case set:
		s.set(k, int(o.n))
		h.write(o, o.n)
	case setGot:
		if !h.has[o.from] {
			h.act(s, op{verb: get, key: o.from})
		}
		n := number(h.got[o.from]) + o.n
		s.set(k, int(n))
		h.write(o, n)
	case del:
		s.del(k)
		h.deleted[k] = true
		h.write(o, none)
	case pop:
		h.note(o, h.read(s.pop(k)), k)
		h.deleted[k] = true
	case update, updateFrom:
		h.update(s, o)
	case keys:
		h.write(o, h.list(s.keys()))
	case clear_:
		s.clear()
		h.deleted = [nKeys]bool{true, true, true, true, true, true}
		h.write(o, none)
	case renew:
		s.renew()
		h.write(o, none)
	case destroy:
		s.destroy()
		h.based, h.deleted = [nKeys]bool{}, [nKeys]bool{}
		h.write(o, none)
	case persist:
		s.persist(persisted)
		h.write(o, none)
	}
}

// update notes the closure's run inside the handler; it may run again later.
func (h *recorder) update(s verbs, o op) {
	was, other := 0, 0
	val := s.update(o.key, func(n int) int {
		was = n
		if o.verb == updateFrom {
			other, _ = s.get(o.from)
		}
		return was + other + int(o.n)
	})
	h.write(o, int32(val))
	last := &h.ops[len(h.ops)-1]
	last.was, last.other = int32(was), int32(other)
}

// skips leaves out what the model has no word for: a second new session in one
// answer, and merges whose base or sides cannot be told.
func (h *recorder) skips(o op) bool {
	merges := h.p.kinds[o.key] == merging
	switch o.verb {
	case renew, destroy:
		return h.v.isNew && h.saved
	case set, setGot:
		return merges && (h.deleted[o.key] || h.inTx)
	}
	return false
}

func (h *recorder) read(n int, ok bool) int32 {
	if !ok {
		return none
	}
	return int32(n)
}

// note writes down a read.
func (h *recorder) note(o op, val int32, k int) {
	h.got[k], h.has[k] = val, true
	if !h.based[k] {
		h.base[k], h.based[k] = val, true
	}
	h.write(o, val)
}

func (h *recorder) write(o op, val int32) {
	h.ops = append(h.ops, seen{op: o, val: val, base: h.base[o.key], tx: h.inTx})
}

func (h *recorder) list(names []string) (set int32) {
	for _, name := range names {
		if name == keyNames[refreshed] {
			continue
		}
		k := slices.Index(keyNames[:], name)
		if k < 0 {
			h.breach("Keys lists %q", name)
			continue
		}
		set |= 1 << k
	}
	return set
}
