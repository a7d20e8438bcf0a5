package faults_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A client that a fault has broken for good is given no more time, and so fails the
// test: a new one does not need it.
func TestOnlyASlowMachineIsAReasonForGrace(t *testing.T) {
	slow := errors.New("slow")
	var machine error
	g := &grace{newcomer: func() (provider.Provider, func()) {
		return &storetest.Store{Provider: memory.New(), OnSave: func(context.Context, *provider.Record, int64, storetest.SaveFunc) error {
			return machine
		}}, func() {}
	}}
	want := func(what string, factor int64) {
		t.Helper()
		g.review(t)
		if got := int64(g.factor()); got != factor {
			t.Errorf("%s: calls are given %d times as long, want %d", what, got, factor)
		}
	}
	want("a newcomer manages", 1)
	g.faulty.Store(true)
	machine = slow
	want("in a fault", 1)
	g.faulty.Store(false)
	want("a newcomer does not manage", 2)
	want("nor later", 4)
	g.faulty.Store(true)
	want("in the next fault", 1)
	g.faulty.Store(false)
	for range 10 {
		g.review(t)
	}
	want("never", mostGrace)
}

func TestAStandstillIsTold(t *testing.T) {
	store := memory.New()
	p := newProxy(t, newEcho(t).addr)
	l := &level{name: "provider", proxy: p}
	feeling := l.feel(&storetest.Store{Provider: store, OnFetch: func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
		return nil, errors.New("connection refused")
	}})
	w := newWriters(t, feeling, nil)
	defer w.cancel()
	l.watch(&w.clock, w.problems, nil)
	l.clock.enter(after)
	eventually(t, func() bool { return w.clock.clients[1].failed[after].Load() > 0 }, func() string { return "no writer fails" })
	p.dial(t)
	wantIn(t, l.standstill(w.clock.clients[1], after),
		"after the fault, a client of the provider gets nowhere: writer 1: before the fault", // who, and when
		"writer 3: before the fault",       // and the others
		"Fetch: connection refused after ", // the last errors
		"listen:1",                         // connections of the proxy
	)
	wantIn(t, plight(), "goroutine ", "TestAStandstillIsTold")
}

func wantIn(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}
