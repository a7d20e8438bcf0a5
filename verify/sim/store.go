package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

var (
	errBroken  = errors.New("sim: connection reset by peer")
	errCrashed = errors.New("sim: this client is dead")
)

// Every wait ends at an instant that no other wait ends at: one goroutine runs
// at a time, and a seed gives the same run each time. An instant's remainder
// belongs to one goroutine.
const instants = 64

// actor is a client as the store knows it.
type actor struct {
	rng    *rand.Rand
	slot   int64
	calls  int
	faults []fault
	dead   bool
	copies bool // Config.ReadCache is on
}

type actorKey struct{}

func (a *actor) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// nap returns the time from now to the first instant of slot not before d has passed.
func nap(d time.Duration, slot int64) time.Duration {
	at := time.Now().Add(d).UnixNano()
	return d + time.Duration((slot-at%instants+instants)%instants)
}

func (a *actor) pause(d time.Duration) { time.Sleep(nap(d, a.slot)) }

// trip is the time that a call is on its way.
func (a *actor) trip() { a.pause(time.Duration(a.rng.Int64N(int64(8 * time.Millisecond)))) }

// reply is the time that the reply to a call takes. With copies it may be long: then what
// it says is old when it arrives.
func (a *actor) reply() {
	a.trip()
	if a.copies && a.rng.IntN(4) == 0 {
		a.pause(time.Duration(a.rng.Int64N(int64(50 * time.Millisecond))))
	}
}

// trouble returns what befalls the next call.
func (a *actor) trouble() *fault {
	n := a.calls
	a.calls++
	for _, f := range a.faults {
		switch {
		case n == f.call:
			return &f
		case n > f.call && n <= f.call+f.outage:
			return &fault{call: n, trouble: dropped, slow: f.slow}
		}
	}
	return nil
}

// store is the storage that the clients share, with the troubles of each.
type store struct {
	storetest.Store
	late   sync.WaitGroup // writes on their way
	began  time.Time
	traced bool
	slow   bool // also the calls that no client makes

	mu    sync.Mutex
	nLate int64
	trace []string
}

func newStore(p provider.Provider, traced bool) *store {
	st := &store{traced: traced, began: time.Now()}
	st.Provider = p
	st.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (rec *provider.Record, err error) {
		err = st.call(ctx, func(ctx context.Context) error {
			rec, err = next(ctx, id)
			return err
		}, nil, "fetch", id, nil, 0)
		if err != nil {
			return nil, err
		}
		return rec, nil
	}
	st.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		copied := *rec
		copied.Data = slices.Clone(rec.Data)
		apply := func(ctx context.Context) error { return next(ctx, &copied, expect) }
		return st.call(ctx, apply, apply, "save", rec.ID, rec, expect)
	}
	st.OnDelete = func(ctx context.Context, id string, next storetest.DeleteFunc) error {
		apply := func(ctx context.Context) error { return next(ctx, id) }
		return st.call(ctx, apply, apply, "delete", id, nil, 0)
	}
	return st
}

// call makes a call, with whatever trouble. A call without a change has
// nothing that could land late.
func (st *store) call(ctx context.Context, apply, change func(context.Context) error, name, id string, rec *provider.Record, expect int64) (err error) {
	a, ok := ctx.Value(actorKey{}).(*actor)
	if !ok || inParallel(ctx) {
		return st.callBeside(ctx, id, apply)
	}
	a.trip()
	var f *fault
	if !a.dead {
		f = a.trouble()
	}
	defer func() { st.write(a, f, name, id, rec, expect, err) }()
	switch {
	case a.dead:
		return errCrashed
	case f == nil:
		err = apply(ctx)
		a.reply()
		return err
	}
	switch f.trouble {
	case crash:
		a.dead = true
		return errCrashed
	case crashAfter:
		_ = apply(ctx)
		a.dead = true
		return errCrashed
	case lost:
		_ = apply(ctx)
	case late:
		st.postpone(f.after, change)
	}
	return a.fail(ctx, f.slow)
}

// callBeside makes a call that no client makes: one of an instance, or one of several that a
// client makes in parallel. It has no trouble.
func (st *store) callBeside(ctx context.Context, id string, apply func(context.Context) error) error {
	wait := func() {}
	switch hash := crc32.ChecksumIEEE([]byte(id)); {
	case inParallel(ctx):
		wait = func() { time.Sleep(nap(time.Duration(hash%80)*100*time.Microsecond, int64(44+hash%16))) }
	case st.slow:
		wait = func() { time.Sleep(nap(4*time.Millisecond, 12)) }
	}
	wait()
	defer wait()
	return apply(ctx)
}

type parallelKey struct{}

// parallel returns the context for calls that a client makes in parallel.
func parallel(ctx context.Context) context.Context {
	return context.WithValue(ctx, parallelKey{}, true)
}

func inParallel(ctx context.Context) bool { return ctx.Value(parallelKey{}) != nil }

// postpone lets a change land after d, whoever still cares.
func (st *store) postpone(d time.Duration, change func(context.Context) error) {
	if change == nil {
		return
	}
	st.mu.Lock()
	st.nLate++
	slot := 16 + st.nLate
	st.mu.Unlock()
	st.late.Go(func() {
		time.Sleep(nap(d, slot))
		err := change(context.Background())
		st.log("a late write lands: %v", err)
	})
}

// fail is how a call ends without an answer.
func (a *actor) fail(ctx context.Context, slow bool) error {
	if !slow {
		a.trip()
		return errBroken
	}
	select {
	case <-ctx.Done():
		a.pause(0)
		return ctx.Err()
	case <-time.After(time.Minute):
		return errors.New("sim: a storage call without a deadline")
	}
}

func (st *store) write(a *actor, f *fault, name, id string, rec *provider.Record, expect int64, err error) {
	if !st.traced {
		return
	}
	line := fmt.Sprintf("client %d %s %.12s", a.slot-1, name, id)
	if rec != nil {
		line += fmt.Sprintf(" version %x expecting %x, %d bytes", rec.Version, expect, len(rec.Data))
	}
	if f != nil {
		line += fmt.Sprintf(" (%v)", f)
	}
	st.log("%s: %v", line, err)
}

func (st *store) log(format string, args ...any) {
	if !st.traced {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.trace = append(st.trace, fmt.Sprintf("[%v] ", time.Since(st.began))+fmt.Sprintf(format, args...))
}
