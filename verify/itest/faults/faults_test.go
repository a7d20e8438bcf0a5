package faults_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

const (
	actsBefore = 3 // of each client
	actsDuring = 3 // and for as long as shortest
	actsAfter  = 2
	shortest   = 400 * time.Millisecond
)

func testFaults(t *testing.T, s subject, server *testserver.Server) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) { f.test(t, s, server) })
	}
}

// test lets writers and visitors work before, during and after the fault.
func (f fault) test(t *testing.T, s subject, server *testserver.Server) {
	machine := newLateness(t)
	p := newProxy(t, server.Addr)
	space, url := stores.Space(), p.through(server.URL)
	below, above := &level{name: "provider", proxy: p}, &level{name: "session", proxy: p}
	levels := []*level{below, above}
	g := &grace{newcomer: func() (provider.Provider, func()) { return s.Visit(t, url, space) }}
	below.grace, above.grace = g, g
	w := newWriters(t, below.feel(s.At(t, url, space)), g)
	v := newVisitors(t, newGraciousApp(t, above.feel(s.At(t, url, space)), g))
	below.watch(&w.clock, w.problems, nil)
	above.watch(&v.clock, v.problems, v.app)
	v.invite()
	spare := s.At(t, url, space)

	await(t, levels, before, actsBefore)
	enter(levels, between)
	f.comeAndGo(t, site{server, p}, max(0, f.strikes-s.spared))
	f.begin(site{server, p})
	began := time.Now()
	enter(levels, during)
	newcomer := f.startApp(t, spare, v, g)
	await(t, levels, during, actsDuring)
	witness.Wait(t.Context(), shortest-time.Since(began))
	f.awaitFelt(t, levels)
	enter(levels, between)
	f.over(site{server, p})
	ended := time.Now()
	enter(levels, after)
	for _, l := range levels {
		l.await(t, after, 1, true)
		l.recovered = time.Since(ended)
	}
	await(t, levels, after, actsAfter)

	if _, isNew := newcomer.insist(t, "GET", "/tokens", v.cookies[0]).tokens(); isNew {
		t.Error("an app that started during the fault does not know a visitor after it")
	}
	calls, requests := w.stop(t), v.stop(t)
	static := v.static.Figures()
	below.report(t, calls)
	above.report(t, requests)
	t.Logf("static: slowest %d ms of %d", static.Slowest.Milliseconds(), static.Acked)

	// What needs no store tells how late the machine is, too, while it is asked for.
	late := max(machine.most(), static.Slowest)
	checkTime(t, "a request", requests.Slowest, answerBound*g.most()+late)
	checkTime(t, "a call", calls.Slowest, callTimeout*g.most()+callGrace+late)
}

func checkTime(t *testing.T, what string, took, atMost time.Duration) {
	t.Helper()
	if took > atMost {
		t.Errorf("%s took %v, over %v", what, took, atMost)
	}
}

// startApp starts another instance of the visitors' app during the fault. While it
// has not read the signing keys it must not take visitors for new ones.
func (f fault) startApp(t *testing.T, store provider.Provider, v *visitors, g *grace) *app {
	t.Helper()
	a := newGraciousApp(t, store, g)
	got, err := a.ask("GET", "/tokens", v.cookies[0])
	_, isNew := got.tokens()
	if err != nil || got.status == 200 && (f.total || isNew) || got.status != 200 && got.verdict() != refused {
		t.Errorf("an app that starts during the fault answers %d %q", got.status, got.body)
	}
	return a
}

// A level is the provider's or the session's.
type level struct {
	name      string
	clock     *clock
	grace     *grace
	problems  func() []string
	app       *app // nil: the clients are the provider's
	store     provider.Provider
	proxy     *proxy
	calls     lately       // of the store
	feeling   atomic.Bool  // the fault
	felt      atomic.Int64 // calls of the store that have failed during it,
	dragged   atomic.Int64 // or were as slow as latency makes them
	recovered time.Duration
}

// watch tells the level of its clients, of what they complain about, and of their app.
func (l *level) watch(c *clock, problems func() []string, a *app) {
	l.clock, l.problems, l.app = c, problems, a
}

// feel counts the calls that fail during the fault. Visitors need not notice: a
// session reads back what became of a save.
func (l *level) feel(store provider.Provider) provider.Provider {
	l.store = store
	feel := func(call string, began time.Time, err error) {
		l.calls.note("%s: %v after %v", call, err, time.Since(began))
		switch {
		case !l.feeling.Load():
		case err != nil && !isVerdict(err):
			l.felt.Add(1)
		case time.Since(began) >= leastLatency:
			l.dragged.Add(1)
		}
	}
	return &storetest.Store{
		Provider: store,
		OnFetch: func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
			began := time.Now()
			rec, err := next(ctx, id)
			feel("Fetch", began, err)
			return rec, err
		},
		OnSave: func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			began := time.Now()
			err := next(ctx, rec, expect)
			feel("Save", began, err)
			return err
		},
	}
}

func (l *level) report(t *testing.T, f witness.Figures) {
	t.Helper()
	_, early := l.clock.sum(before)
	_, late := l.clock.sum(after)
	t.Logf("%s: %v; recovered after %d ms; failed before the fault %d, after it %d", l.name, f, l.recovered.Milliseconds(), early, late)
}

func enter(levels []*level, p phase) {
	for _, l := range levels {
		l.clock.enter(p)
		l.feeling.Store(p == during)
		l.grace.faulty.Store(p == during || p == between)
	}
}

func await(t *testing.T, levels []*level, p phase, acts int64) {
	t.Helper()
	for _, l := range levels {
		l.await(t, p, acts, p != during)
	}
}

// await returns when every client has done so many things in a phase, or
// succeeded in them.
func (l *level) await(t *testing.T, p phase, n int64, success bool) {
	t.Helper()
	for _, cl := range l.clock.clients {
		gracefully(t, l.grace, func() bool {
			done := cl.succeeded[p].Load()
			if !success {
				done += cl.failed[p].Load()
			}
			return done >= n
		}, func() string { return l.standstill(cl, p) })
	}
}

// standstill tells all there is to know of a client that gets nowhere in a phase.
func (l *level) standstill(cl *client, p phase) string {
	text := fmt.Sprintf("%s the fault, a client of the %s gets nowhere: %v\n", phaseName(p), l.name, cl)
	for _, other := range l.clock.clients {
		text += fmt.Sprintln(other)
	}
	text += fmt.Sprintf("what ought not to be: %q\n", l.problems())
	if l.app != nil {
		text += fmt.Sprintf("the last requests:\n%v\n", &l.app.requests)
	}
	if l.store != nil {
		text += fmt.Sprintf("the last calls of the store:\n%v\n%s\n", &l.calls, stores.State(l.store))
	}
	return text + fmt.Sprintf("connections of the proxy's clients: %s\n", connections(l.proxy.proxy.Listen))
}

// awaitFelt makes sure that the fault bites.
func (f fault) awaitFelt(t *testing.T, levels []*level) {
	t.Helper()
	for _, l := range levels {
		felt := &l.felt
		if f.harmless {
			felt = &l.dragged
		}
		eventually(t, func() bool { return felt.Load() > 0 }, func() string { return l.name + ": no call has felt the fault" })
		if succeeded, _ := l.clock.sum(during); f.total && succeeded > 0 {
			t.Errorf("%s: %d have succeeded during the fault", l.name, succeeded)
		}
	}
}
