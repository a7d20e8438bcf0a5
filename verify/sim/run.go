package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// maker makes an instance of the system under test.
type maker func(provider.Provider, *Program) system

// cookie is a cookie as a client holds it: what it says, and what it opens.
type cookie struct {
	value string
	ticket
}

var noCookie = cookie{ticket: noTicket}

// run is a run of a program.
type run struct {
	program *Program
	store   *store
	hosts   []system // one for each client, or one for all
	opened  time.Time
	clients sync.WaitGroup

	mu      sync.Mutex
	h       *History
	first   cookie
	jar     cookie   // what tabs share
	issued  []cookie // all that were ever handed out
	tokens  tokenServer
	calls   []*visit          // of Refresh
	ids     map[string]ticket // of the sessions, by public ID
	revoked []*visit          // the calls of RevokeEverything that have returned without an error
}

// Play runs a program in a bubble of its own, with package session on a store that
// open returns there. Traced, the history has every call of the store.
func Play(t *testing.T, p *Program, open func() provider.Provider, traced bool) *History {
	return perform(t, p, open, newHoldfast, traced)
}

func perform(t *testing.T, p *Program, open func() provider.Provider, mk maker, traced bool) (h *History) {
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, p.seed)
		st := &run{program: p, h: &History{program: p}, ids: map[string]ticket{}}
		st.store = newStore(open(), traced)
		st.store.slow = p.revokes
		st.open(mk)
		for i := range p.clients {
			st.clients.Go(func() { st.run(i) })
		}
		st.clients.Wait()
		st.store.late.Wait()
		st.look()
		if p.revokes { // the instances may still read the epoch
			time.Sleep(time.Second)
		}
		st.addCalls()
		st.resolveLists()
		st.h.storage = st.store.trace
		h = st.h
	})
	return h
}

// open makes the instances and the session that all start with.
func (st *run) open(mk maker) {
	hosts := len(st.program.clients)
	switch {
	case st.program.oneHost:
		hosts = 1
	case st.program.maxStale > 0:
		hosts = 2 // so that each has copies
	}
	for range hosts {
		st.hosts = append(st.hosts, mk(st.store, st.program))
	}
	x := newExchange(context.Background(), request{}, noCookie)
	var first verbs
	x.leaf = func(s verbs) int {
		first = s
		for k, n := range st.program.start {
			if n != none {
				s.set(k, int(n))
			}
		}
		if st.program.rotates {
			s.persist(persisted)
		}
		return http.StatusOK
	}
	st.hosts[0].serve(x)
	made := x.cookies()
	if len(made) != 1 {
		panic(fmt.Sprintf("the first request got %d cookies, status %d, error %v", len(made), x.w.Code, x.err))
	}
	st.ids[first.publicID()] = origin
	st.first = cookie{made[0].Value, origin}
	st.jar = st.first
	st.issued = []cookie{st.first}
	st.opened = time.Now()
}

func newExchange(ctx context.Context, q request, c cookie) *exchange {
	method := http.MethodPost
	if q.isSafe() {
		method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(ctx, method, "/", nil)
	if c.ticket >= 0 {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: c.value})
	}
	return &exchange{w: httptest.NewRecorder(), r: r, mode: q.mode}
}

// cookies returns the session cookies that the answer sets.
func (x *exchange) cookies() (list []*http.Cookie) {
	for _, line := range x.w.Header()["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == cookieName {
			list = append(list, c)
		}
	}
	return list
}

// run plays a client's part.
func (st *run) run(i int) {
	a := &actor{
		rng:    rand.New(rand.NewPCG(st.program.seed, uint64(i))),
		slot:   int64(i + 1),
		faults: st.program.clients[i].faults,
		copies: st.program.maxStale > 0,
	}
	mine, seen := st.first, seenVersions{}
	for _, r := range st.program.clients[i].requests {
		a.pause(max(0, st.program.periods[r.period].start()-time.Since(st.opened)) + r.wait)
		c := st.pick(r.jar, mine)
		given, ok := st.visit(i, a, r, c, seen)
		if a.dead {
			return
		}
		if ok {
			mine = given
		}
	}
}

func (st *run) pick(j jar, mine cookie) cookie {
	st.mu.Lock()
	defer st.mu.Unlock()
	return [...]cookie{own: mine, shared: st.jar, first: st.first, empty: noCookie}[j]
}

// visit sends a request, and returns the cookie that the client got, if it got
// an answer with one.
func (st *run) visit(i int, a *actor, r request, c cookie, seen seenVersions) (cookie, bool) {
	ctx, cancel := context.WithCancel(a.context(context.Background()))
	defer cancel()
	if r.hangup > 0 {
		defer time.AfterFunc(nap(r.hangup, 32+a.slot), cancel).Stop()
	}
	v := st.enter(i, r, c)
	x := newExchange(ctx, r, c)
	seen.send(x)
	h := st.recorder(v, ctx)
	x.guard, x.leaf = h.guard, h.leaf
	st.serve(x, h)

	st.mu.Lock()
	defer st.mu.Unlock()
	given := st.leave(v, x, h)
	if !a.dead && ctx.Err() == nil {
		v.answered = v.err == nil && v.loaded
		seen.receive(x)
	}
	if v.out == noTicket || a.dead || ctx.Err() != nil {
		return noCookie, false
	}
	st.jar = given
	return given, true
}

// recorder returns what plays v's handler.
func (st *run) recorder(v *visit, ctx context.Context) *recorder {
	h := &recorder{p: st.program, v: v, ctx: ctx, run: st}
	h.actor, _ = ctx.Value(actorKey{}).(*actor)
	h.event = func(what what, seg int) {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.h.events = append(st.h.events, event{v.id, what, seg, v.runs, time.Since(st.opened)})
	}
	return h
}

// serve lets the system answer, and completes the notes.
func (st *run) serve(x *exchange, h *recorder) {
	defer func() {
		if p := recover(); p != nil {
			h.breach("panic: %v", p)
		}
		if h.v.loaded {
			h.finish()
		}
	}()
	st.hosts[h.v.host].serve(x)
}

func (st *run) enter(i int, r request, c cookie) *visit {
	st.mu.Lock()
	defer st.mu.Unlock()
	v := &visit{
		id: len(st.h.visits), client: i, request: r, sent: c.ticket,
		period: int8(r.period), at: st.program.periods[r.period], begun: time.Since(st.opened),
	}
	v.host = st.hostOf(v)
	st.h.visits = append(st.h.visits, v)
	st.h.events = append(st.h.events, event{visit: v.id, at: v.begun})
	return v
}

// hostOf returns the instance that serves v: that of its client, or with copies one after
// the other.
func (st *run) hostOf(v *visit) int {
	if st.program.maxStale > 0 {
		return v.id % len(st.hosts)
	}
	return max(v.client, 0) % len(st.hosts)
}

// leave notes the answer.
func (st *run) leave(v *visit, x *exchange, h *recorder) cookie {
	v.copied, v.joined = x.copied, x.joined
	v.status, v.err, v.out, v.end = x.w.Code, x.err, noTicket, time.Since(st.opened)
	v.conclude()
	h.identifyNew()
	if _, ok := v.administers(revokeEverything); ok && v.succeeds() {
		st.revoked = append(st.revoked, v)
	}
	st.h.events = append(st.h.events, event{visit: v.id, what: end, at: v.end})
	made := x.cookies()
	if len(made) == 0 {
		return noCookie
	}
	if len(made) > 1 {
		v.breach = "several Set-Cookie in one answer"
	}
	if made[0].MaxAge < 0 {
		v.out = cleared
		return noCookie
	}
	v.out = v.names(st.program.rotates)
	given := cookie{made[0].Value, v.out}
	st.issued = append(st.issued, given)
	return given
}

// conclude fills in what became of the last segment, which the handler does not see:
// after a commit that was refused nothing more is committed, nor with a 500, nor with a
// 404 by a handler whose last Save has failed.
func (v *visit) conclude() {
	if !v.loaded {
		return
	}
	earlier, last := v.segs[:len(v.segs)-1], &v.segs[len(v.segs)-1]
	last.verdict = judge(v.err)
	if v.err == nil && (v.status >= 500 || v.status >= 400 && v.unsaved) {
		last.verdict = idle
	}
	for _, s := range earlier {
		if s.verdict != committed {
			last.verdict = idle
		}
	}
}

// names tells which session the cookie of v's answer is a ticket to: the one that it came
// with, if all that v did was to make that persistent, or if that was rotated.
func (v *visit) names(rotates bool) ticket {
	same := rotates && !v.isNew
	for _, s := range v.segs {
		if s.verdict != committed {
			continue
		}
		for _, o := range s.ops {
			switch o.verb {
			case renew, destroy:
				return v.own()
			case persist:
				same = !v.isNew
			}
		}
	}
	if same {
		return v.sent
	}
	return v.own()
}

// look visits every session that anybody ever got a cookie of.
func (st *run) look() {
	last := len(st.program.periods) - 1
	time.Sleep(max(0, st.program.periods[last].start()-time.Since(st.opened)))
	r := request{period: last, status: http.StatusOK, ops: []op{{verb: keys}}}
	for k := range nKeys {
		r.ops = append(r.ops, op{verb: get, key: k})
	}
	for _, c := range st.issued {
		v := st.enter(-1, r, c)
		x := newExchange(context.Background(), r, c)
		h := st.recorder(v, context.Background())
		x.leaf = h.leaf
		st.serve(x, h)
		st.leave(v, x, h)
		time.Sleep(time.Microsecond)
	}
}
