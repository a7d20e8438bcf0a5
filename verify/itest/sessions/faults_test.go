package sessions_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

// faults are what the trips to the store meet.
type faults struct {
	lose   atomic.Bool // every third save lands and reports an error
	jitter atomic.Bool // a trip takes up to 2 ms more, each way
	gate   atomic.Pointer[gate]
	saves  atomic.Int64
}

// set sets it to lose=true, jitter=true or gate=10, for ten loads at once.
func (w *faults) set(q url.Values) {
	w.lose.Store(q.Has("lose"))
	w.jitter.Store(q.Has("jitter"))
	n, _ := strconv.Atoi(q.Get("gate"))
	w.gate.Store(newGate(n))
}

func (w *faults) fetch(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
	w.dawdle()
	defer w.dawdle()
	rec, err := next(ctx, id)
	w.gate.Load().pass(ctx)
	return rec, err
}

var errLost = errors.New("the connection broke before the reply came")

func (w *faults) save(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	w.dawdle()
	defer w.dawdle()
	err := next(ctx, rec, expect)
	if err == nil && w.lose.Load() && w.saves.Add(1)%3 == 0 {
		return errLost
	}
	return err
}

func (w *faults) dawdle() {
	if w.jitter.Load() {
		time.Sleep(rand.N(2 * time.Millisecond))
	}
}

// A gate lets nobody pass until all are there, so that they all change the same
// version of the session.
type gate struct {
	missing atomic.Int64
	open    chan struct{}
}

func newGate(n int) *gate {
	if n == 0 {
		return nil
	}
	g := &gate{open: make(chan struct{})}
	g.missing.Store(int64(n))
	return g
}

func (g *gate) pass(ctx context.Context) {
	if g == nil {
		return
	}
	if g.missing.Add(-1) == 0 {
		close(g.open)
	}
	select {
	case <-g.open:
	case <-ctx.Done():
	}
}
