package sim

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// administrator is what a handler may do to the sessions of others.
type administrator interface {
	revokeBy(context.Context, int32) error
	sessionsBy(context.Context, int32) ([]listed, error)
	revokeEverything(context.Context) error
}

// listed is a session of a list.
type listed struct {
	publicID string
	label    int32 // none: it has none
}

const labelName = "tenant"

// revocableWithin is Config.RevokeEverythingWithin. The time that RevokeEverything waits, a
// 32nd more, ends at the instant of the client that has called it.
const revocableWithin = 9600 * instants * 10 * time.Microsecond

// administer calls RevokeBy, SessionsBy or RevokeEverything.
func (h *recorder) administer(s verbs, o op) error {
	switch o.verb {
	case revokeBy:
		return s.revokeBy(h.ctx, o.n)
	case revokeEverything:
		return s.revokeEverything(h.ctx)
	}
	list, err := s.sessionsBy(parallel(h.ctx), o.n)
	h.v.listed = nil
	for _, l := range list {
		if l.label != o.n {
			h.breach("a session of label %v is listed by label %d", l.label, o.n)
		}
		h.v.listed = append(h.v.listed, l.publicID)
	}
	return err
}

// administers returns what v does to the sessions of others, if that is verb.
func (v *visit) administers(verb verb) (o op, ok bool) {
	ops := v.request.ops
	if len(ops) == 0 || ops[0].verb != verb {
		return op{}, false
	}
	return ops[0], true
}

// succeeds reports whether v has done without an error what an administrator does.
func (v *visit) succeeds() bool {
	return len(v.segs) > 0 && v.segs[0].verdict == committed
}

// readsLabel reports whether v has looked at the label of its session.
func (v *visit) readsLabel() bool {
	return slices.ContainsFunc(v.segs, func(g segment) bool {
		return slices.ContainsFunc(g.ops, func(o seen) bool { return o.verb == get && o.key == label })
	})
}

// writesLabel reports whether v has committed a segment that does verb to the label.
func (v *visit) writesLabel(verb verb) bool {
	return slices.ContainsFunc(v.segs, func(g segment) bool {
		return g.verdict == committed && slices.ContainsFunc(g.ops, func(o seen) bool { return o.verb == verb && o.key == label })
	})
}

// identify notes which session has that public ID.
func (st *run) identify(id string, t ticket) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ids[id] = t
}

// identifyNew notes the public ID of the session that v has begun, if any.
func (h *recorder) identifyNew() {
	if h.met == nil {
		return
	}
	if id := h.met.publicID(); id != "" && id != h.loadedID {
		h.run.ids[id] = h.v.own()
	}
}

// resolveLists finds out which sessions were listed. One that nobody had a cookie of can
// only be that of a request that has failed: a renewal, and a login over a tombstone, save
// the new session first.
func (st *run) resolveLists() {
	for _, v := range st.h.visits {
		for _, id := range v.listed {
			switch t, ok := st.ids[id]; {
			case ok && v.lists.has(t):
				v.breach = "a session is listed twice"
			case ok:
				v.lists.add(t)
			case !st.program.faulty() && !st.fails(v):
				v.breach = "a session is listed that no request has begun"
			}
		}
	}
}

// fails reports whether a commit of any request was refused while v was served.
func (st *run) fails(v *visit) bool {
	return slices.ContainsFunc(st.h.visits, func(u *visit) bool {
		return u.begun <= v.end && v.begun <= u.end && (u.meets(refused) || u.meets(gone) || u.runs > 1)
	})
}

// isRevoked reports whether a RevokeEverything has returned that must have ended the session
// which v came with.
func (st *run) isRevoked(v *visit) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.ContainsFunc(st.revoked, func(r *visit) bool {
		if v.sent <= origin {
			return v.sent == origin
		}
		by := st.h.visits[v.sent-1]
		return by.end > 0 && by.end < r.begun
	})
}

// The methods of package session.

func (v held) revokeBy(ctx context.Context, n int32) error {
	return v.h.manager.RevokeBy(ctx, labelName, strconv.Itoa(int(n)))
}

func (v held) revokeEverything(ctx context.Context) error { return v.h.manager.RevokeEverything(ctx) }

func (v held) sessionsBy(ctx context.Context, n int32) (list []listed, err error) {
	sessions, err := v.h.manager.SessionsBy(ctx, labelName, strconv.Itoa(int(n)))
	for _, s := range sessions {
		l := listed{publicID: s.PublicID(), label: none}
		if n, ok := labelOf(s); ok {
			l.label = int32(n)
		}
		list = append(list, l)
	}
	return list, err
}

func labelOf(s *session.Session) (int, bool) {
	n, err := strconv.Atoi(s.Label(labelName))
	return n, err == nil
}
