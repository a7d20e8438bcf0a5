package faults_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// verbs are calls on a record that is stored in version 1.
var verbs = []struct {
	name string
	call func(context.Context, provider.Provider) error
}{
	{"Fetch", func(ctx context.Context, p provider.Provider) error {
		_, err := p.Fetch(ctx, "id")
		return err
	}},
	{"Save", func(ctx context.Context, p provider.Provider) error {
		return p.Save(ctx, chain{1}.grow("id", 2), 1)
	}},
	{"create", func(ctx context.Context, p provider.Provider) error {
		return p.Save(ctx, chain{}.grow("other id", 1), 0)
	}},
	{"Delete", func(ctx context.Context, p provider.Provider) error {
		return p.Delete(ctx, "id")
	}},
}

func testCallsEndWithTheirContext(t *testing.T, s subject, server *testserver.Server) {
	for _, f := range []fault{
		{name: "black hole", begin: poison(blackHole)},
		{name: "black hole for answers", begin: poison(noAnswers)},
		{name: "frozen server", begin: freeze, end: thaw},
	} {
		t.Run(f.name, func(t *testing.T) { f.testContexts(t, s, server) })
	}
}

// testContexts makes calls over connections that were open before the fault, and
// then, since a call that is given up spoils its connection, over new ones.
func (f fault) testContexts(t *testing.T, s subject, server *testserver.Server) {
	at := site{server, newProxy(t, server.Addr)}
	store := s.At(t, at.proxy.through(server.URL), stores.Space())
	must(t, "Save", store.Save(t.Context(), chain{}.grow("id", 1), 0))
	openConnections(t, store, 2*len(verbs))
	f.begin(at)
	defer f.over(at)
	late := newLateness(t)
	for range 2 {
		for _, verb := range verbs {
			ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
			endsWith(t, late, verb.name, context.DeadlineExceeded, func() error { return verb.call(ctx, store) })
			cancel()

			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(callTimeout/4, cancel)
			endsWith(t, late, verb.name, context.Canceled, func() error { return verb.call(ctx, store) })
			cancel()
		}
	}
}

// openConnections makes so many calls at the same time.
func openConnections(t *testing.T, store provider.Provider, n int) {
	t.Helper()
	var group sync.WaitGroup
	defer group.Wait()
	for i := range n {
		group.Go(func() {
			if err := store.Save(t.Context(), chain{}.grow(fmt.Sprint("id ", i), 1), 0); err != nil {
				t.Errorf("Save: %v", err)
			}
		})
	}
}

// endsWith wants a call to return soon after its context has ended, with the
// context's error and nothing about the record.
func endsWith(t *testing.T, late *lateness, name string, want error, call func() error) {
	t.Helper()
	began := time.Now()
	err := call()
	took := time.Since(began)
	if !errors.Is(err, want) || isVerdict(err) {
		t.Errorf("%s: %v, want %v", name, err, want)
	}
	if took > callTimeout+callGrace+late.most() {
		t.Errorf("%s: %v after %v", name, want, took)
	}
}
