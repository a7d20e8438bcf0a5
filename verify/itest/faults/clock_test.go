package faults_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// A clock tells clients which phase a test is in: before, during or after the
// fault. It counts what they have done in each.
type clock struct {
	now     atomic.Int32
	mu      sync.Mutex
	clients []*client
}

type phase = int32

const (
	before phase = iota
	during
	after
	between // a phase is changing
	phases
)

func phaseName(p phase) string { return [...]string{"before", "during", "after", "between"}[p] }

// A client is one that does one thing after the other.
type client struct {
	name              string
	clock             *clock
	succeeded, failed [phases]atomic.Int64
}

func (c *clock) client(name string) *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	cl := &client{name: name, clock: c}
	c.clients = append(c.clients, cl)
	return cl
}

func (c *clock) phase() phase     { return c.now.Load() }
func (c *clock) enter(next phase) { c.now.Store(next) }

// done counts something that began in a phase. What ends in another belongs to
// neither.
func (cl *client) done(began phase, ok bool) {
	if began != cl.clock.phase() {
		began = between
	}
	if ok {
		cl.succeeded[began].Add(1)
	} else {
		cl.failed[began].Add(1)
	}
}

func (cl *client) String() string {
	text := cl.name + ":"
	for p := range phases {
		text += fmt.Sprintf(" %s the fault %d ok, %d failed;", phaseName(p), cl.succeeded[p].Load(), cl.failed[p].Load())
	}
	return text
}

// sum counts what all clients have done in a phase.
func (c *clock) sum(p phase) (succeeded, failed int64) {
	for _, cl := range c.clients {
		succeeded += cl.succeeded[p].Load()
		failed += cl.failed[p].Load()
	}
	return succeeded, failed
}

// eventually returns when something is so, or fails with what else is, and all that
// may tell why.
func eventually(t *testing.T, is func() bool, otherwise func() string) {
	t.Helper()
	gracefully(t, nil, is, otherwise)
}

// gracefully is eventually for what clients with a grace have to do.
func gracefully(t *testing.T, g *grace, is func() bool, otherwise func() string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for since := time.Now(); !is(); {
		if time.Since(since) > stall {
			g.review(t)
			since = time.Now()
		}
		if !witness.Wait(ctx, time.Millisecond) {
			t.Fatalf("after %v: %s\n%s", patience, otherwise(), plight())
		}
	}
}

// lateness tells how late the machine itself is.
type lateness struct {
	mu      sync.Mutex
	longest time.Duration
	began   time.Time // the wait that is on
}

// newLateness measures until the test ends.
func newLateness(t *testing.T) *lateness {
	l := &lateness{began: time.Now()}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for witness.Wait(ctx, pace) {
			l.tick()
		}
	})
	t.Cleanup(func() { cancel(); group.Wait() })
	return l
}

func (l *lateness) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.longest, l.began = max(l.longest, now.Sub(l.began)), now
}

// most is the longest that a wait of pace has taken. One that is not over counts: after
// a standstill of the machine, whoever asks may be awake before it is.
func (l *lateness) most() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.longest, time.Since(l.began))
}
