package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

const (
	busyVisitors = 6
	idleVisitors = 40
	instances    = 3
)

// While visitors use an app, its processes are restarted one by one, from the old store
// alone to the new store alone. One of each phase is killed, and the move is interrupted.
// No session, no roster, no signing key and no acknowledged change is lost, and no session
// that has ended comes back.
func TestRollingRestart(t *testing.T) {
	eachPair(t, func(t *testing.T, s pair) {
		from, to := newPlace(t, s.from), newPlace(t, s.to)
		a := newApp(t, from, to, instances)
		c := newCrowd(a)
		c.begin()
		c.isBusy()
		a.restart(prepares, c.isBusy)
		a.restart(moves, c.isBusy)
		moveAll(t, from, to)
		c.isBusy()
		a.restart(newAlone, c.isBusy)
		c.end()
	})
}

// moveAll moves everything. The first call is interrupted.
func moveAll(t *testing.T, from, to place) {
	t.Helper()
	open := func() *migrate.Provider {
		return moves.in(t, from.open(t), to.open(t)).(*migrate.Provider)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := open().MoveAll(ctx, migrate.MoveOptions{Parallel: 2, Progress: func(r migrate.Report) {
		if r.Moved == idleVisitors/2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("MoveAll was not interrupted: %+v, %v", report, err)
	}
	p := open()
	if s, err := p.Status(t.Context()); err != nil || s.Complete() {
		t.Fatalf("after an interruption: %+v, %v", s, err)
	}
	rest, err := p.MoveAll(t.Context(), migrate.MoveOptions{})
	if err != nil {
		t.Fatalf("MoveAll: %+v, %v", rest, err)
	}
	s, err := p.Status(t.Context())
	if err != nil || !s.Complete() {
		t.Fatalf("after MoveAll: %+v, %v", s, err)
	}
	t.Logf("moved %d and then %d records in %d passes; %d markers", report.Moved, rest.Moved, rest.Pass, s.Marked)
}

// A crowd is the visitors of an app: busy ones, idle ones, and one that comes and goes.
type crowd struct {
	*app
	busy, idle []*visitor
	passer     *visitor
	group      sync.WaitGroup
	stop       context.CancelFunc
}

func newCrowd(a *app) *crowd {
	c := &crowd{app: a, passer: &visitor{app: a, Ledger: witness.NewLedger[string](), name: "passer-by"}}
	for i := range busyVisitors {
		c.busy = append(c.busy, signIn(a, fmt.Sprint("busy ", i), witness.NewLedger[string]()))
	}
	for i := range idleVisitors {
		v := signIn(a, fmt.Sprint("idle ", i), witness.NewLedger[string]())
		v.addOne()
		c.idle = append(c.idle, v)
	}
	return c
}

func (c *crowd) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	c.t.Cleanup(func() { cancel(); c.group.Wait() })
	for _, v := range c.busy {
		c.group.Go(func() { v.add(ctx) })
	}
	c.group.Go(func() { c.passer.passBy(ctx) })
}

// isBusy waits until each visitor has done some more.
func (c *crowd) isBusy() {
	c.t.Helper()
	for _, v := range append([]*visitor{c.passer}, c.busy...) {
		until := v.added.Load() + 3
		for began := time.Now(); v.added.Load() < until; time.Sleep(pace) {
			if time.Since(began) > patience {
				c.t.Fatalf("%s does nothing for %v", v.name, patience)
			}
		}
	}
}

func (c *crowd) end() {
	c.stop()
	c.group.Wait()
	var figures witness.Figures
	c.passer.ended(c.passer.former)
	for _, v := range append(append([]*visitor{c.passer}, c.busy...), c.idle...) {
		if v != c.passer { // it has no session in the end
			figures.Landed += v.audit()
		}
		if problems := v.Problems(); len(problems) > 0 {
			c.t.Errorf("%s: %s", v.name, strings.Join(problems, "\n"))
		}
		figures.Add(v.Figures())
	}
	c.t.Logf("%v; %d sessions came and went", figures, len(c.passer.former)/2)
}
