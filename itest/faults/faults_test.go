package faults_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/itest/stores"
	"github.com/holdfast-go/holdfast/itest/witness"
	"github.com/holdfast-go/holdfast/provider"
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
	below, above := &level{name: "provider"}, &level{name: "session"}
	levels := []*level{below, above}
	w := newWriters(t, below.feel(s.At(t, url, space)))
	v := newVisitors(t, newApp(t, above.feel(s.At(t, url, space)), storeTimeout))
	below.clock, above.clock = &w.clock, &v.clock
	v.invite()
	spare := s.At(t, url, space)

	await(t, levels, before, actsBefore)
	enter(levels, between)
	f.comeAndGo(t, site{server, p}, max(0, f.strikes-s.spared))
	f.begin(site{server, p})
	began := time.Now()
	enter(levels, during)
	newcomer := f.startApp(t, spare, v)
	await(t, levels, during, actsDuring)
	witness.Wait(t.Context(), shortest-time.Since(began))
	f.awaitFelt(t, levels)
	enter(levels, between)
	f.over(site{server, p})
	ended := time.Now()
	enter(levels, after)
	for _, l := range levels {
		l.clock.await(t, after, 1, true)
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
	checkTime(t, "a request", requests.Slowest, answerBound+late)
	checkTime(t, "a call", calls.Slowest, callTimeout+callGrace+late)
}

func checkTime(t *testing.T, what string, took, atMost time.Duration) {
	t.Helper()
	if took > atMost {
		t.Errorf("%s took %v, over %v", what, took, atMost)
	}
}

// startApp starts another instance of the visitors' app during the fault. While it
// has not read the signing keys it must not take visitors for new ones.
func (f fault) startApp(t *testing.T, store provider.Provider, v *visitors) *app {
	t.Helper()
	a := newApp(t, store, storeTimeout)
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
	feeling   atomic.Bool  // the fault
	felt      atomic.Int64 // calls of the store that have failed during it,
	dragged   atomic.Int64 // or were as slow as latency makes them
	recovered time.Duration
}

// feel counts the calls that fail during the fault. Visitors need not notice: a
// session reads back what became of a save.
func (l *level) feel(store provider.Provider) provider.Provider {
	feel := func(began time.Time, err error) {
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
			feel(began, err)
			return rec, err
		},
		OnSave: func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			began := time.Now()
			err := next(ctx, rec, expect)
			feel(began, err)
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
	}
}

func await(t *testing.T, levels []*level, p phase, acts int64) {
	t.Helper()
	for _, l := range levels {
		l.clock.await(t, p, acts, p != during)
	}
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
