package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A token is the number of a grant, times grantStep, and the generation. Nothing else is
// stored under the key refreshed.
const (
	grantStep  = 100
	firstGrant = grantStep // its token that all start with

	// poison is the generation of what a function returns that comes back too late.
	poison = grantStep - 1
)

// maxRefreshes is the maximum number of calls of Refresh in a run.
const maxRefreshes = 8

// renewal is what the function of a Refresh does.
type renewal int

const (
	quick   renewal = iota
	slow            // it takes a while
	failing         // the token server is away
	tooSlow         // it takes longer than its lease, and does not end with its context
)

// renewalTime returns how long the token server takes. RevokeEverything waits for seconds, and
// is to return meanwhile.
func (p *Program) renewalTime() time.Duration {
	if p.revokes {
		return 3 * time.Second
	}
	return 15 * time.Millisecond
}

func (r renewal) String() string {
	return [...]string{"quick", "slow", "failing", "too slow"}[r]
}

var errNoToken = errors.New("sim: the token server does not answer")

// A tokenServer takes each token once. Its fields are protected by run.mu.
type tokenServer struct {
	grants  int32                 // that were issued beside the first
	current map[int32]int32       // the token of each grant
	lost    map[int32]bool        // the newest token may have got lost, so that an older one comes again
	calls   map[int32][]*renewing // the functions of Refresh that run
	last    map[int32]*renewing   // the one that has begun last
}

// renewing is a function of Refresh that runs.
type renewing struct {
	ctx   context.Context
	actor *actor
}

// over reports whether nothing may come of the call any more.
func (c *renewing) over() bool { return c.ctx.Err() != nil || c.actor.dead }

// renew is the function of a Refresh. It returns what the token server makes of the token
// old, and reports whether it has redeemed that.
func (h *recorder) renew(ctx context.Context, o op, old int32) (made int32, redeemed bool, err error) {
	c := h.run.beginCall(ctx, h, old/grantStep)
	defer h.run.endCall(c, old/grantStep)
	switch renewal(o.from) {
	case tooSlow:
		h.actor.pause(40 * time.Second)
		made, redeemed = h.run.redeem(c, h, old, o.n)
		return made, redeemed, nil
	case slow, failing:
		h.actor.pause(h.p.renewalTime())
	}
	switch {
	case renewal(o.from) == failing:
		return 0, false, errNoToken
	case h.actor.dead:
		return 0, false, errCrashed
	case ctx.Err() != nil:
		return 0, false, ctx.Err()
	}
	made, redeemed = h.run.redeem(c, h, old, o.n)
	if renewal(o.from) == slow {
		h.actor.pause(10 * time.Millisecond)
	}
	return made, redeemed, nil
}

// beginCall notes that a function runs. It must be the only one of the grant.
func (st *run) beginCall(ctx context.Context, h *recorder, grant int32) *renewing {
	st.mu.Lock()
	defer st.mu.Unlock()
	s := &st.tokens
	c := &renewing{ctx, h.actor}
	for _, other := range s.calls[grant] {
		if grant > 0 && !other.over() {
			h.breach("two requests renew a token of grant %d at the same time", grant)
		}
	}
	if s.calls == nil {
		s.calls, s.last = map[int32][]*renewing{}, map[int32]*renewing{}
		s.current, s.lost = map[int32]int32{1: firstGrant}, map[int32]bool{}
	}
	s.calls[grant] = append(s.calls[grant], c)
	s.last[grant] = c
	return c
}

func (st *run) endCall(c *renewing, grant int32) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s := &st.tokens
	s.calls[grant] = slices.DeleteFunc(s.calls[grant], func(other *renewing) bool { return other == c })
}

// redeem returns the token after old, or one of a new grant if there is no old one. If
// another function has begun since that of c, c is too late and gets poison.
func (st *run) redeem(c *renewing, h *recorder, old, generation int32) (made int32, redeemed bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	s := &st.tokens
	grant := old / grantStep
	made = old + 1
	switch {
	case grant == 0:
		s.grants++
		grant = 1 + s.grants
		made = grant*grantStep + generation
	case s.last[grant] != c:
		return grant*grantStep + poison, false
	case old != s.current[grant] && !s.lost[grant]:
		h.breach("token %d was redeemed again, the newest is %d", old, s.current[grant])
	}
	if c.ctx.Err() != nil { // somebody else may have the lease
		s.lost[grant] = true
	}
	s.current[grant] = made
	return made, true
}

// lose notes that the token that a function has made was not saved, and says why that may
// not be, or "".
func (st *run) lose(h *recorder, made int32, v verdict) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	overdue := st.tokens.lost[made/grantStep]
	st.tokens.lost[made/grantStep] = true
	switch {
	case h.actor.dead, v == gone:
	case v == refused && !overdue && !h.p.hasOp(clear_):
		return fmt.Sprintf("token %d was lost to a conflict", made)
	case v >= failed && !h.p.faulty():
		return fmt.Sprintf("token %d was lost: %v", made, v)
	}
	return ""
}
