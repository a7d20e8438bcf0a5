package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
)

// faults

type (
	saveHook  func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error
	fetchHook func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error)
)

var errBroken = errors.New("broken connection")

// onSave adds hooks for the next saves, one each.
func (w *world) onSave(hooks ...saveHook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saveHooks = append(w.saveHooks, hooks...)
}

// onFetch adds hooks for the next fetches, one each.
func (w *world) onFetch(hooks ...fetchHook) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fetchHooks = append(w.fetchHooks, hooks...)
}

// calm removes the hooks that have not been used.
func (w *world) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saveHooks, w.fetchHooks, w.lateSaves = nil, nil, nil
}

// pass is no fault.
func pass(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	return next(ctx, rec, expect)
}

// landed is a save whose acknowledgement is lost.
func landed(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	if err := next(ctx, rec, expect); err != nil {
		return err
	}
	return fmt.Errorf("reading the reply: %w", context.DeadlineExceeded)
}

// dropped is a save that never reaches the store.
func dropped(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return errBroken }

// late is a save that reports a broken connection and lands right after the next fetch.
func (w *world) late(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	cp := *rec
	cp.Data = bytes.Clone(rec.Data)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lateSaves = append(w.lateSaves, func() { _ = next(context.WithoutCancel(ctx), &cp, expect) })
	return errBroken
}

// refused returns a save that the provider refuses with err.
func refused(err error) saveHook {
	return func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return err }
}

// failing is a fetch that fails.
func failing(context.Context, string, storetest.FetchFunc) (*provider.Record, error) {
	return nil, errBroken
}

// before runs fn when the save is about to reach the store.
func before(fn func()) saveHook { return then(fn, pass) }

// then runs fn and then hook.
func then(fn func(), hook saveHook) saveHook {
	return func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		fn()
		return hook(ctx, rec, expect, next)
	}
}

// after runs hook, and fn before the caller learns of the result.
func after(hook saveHook, fn func()) saveHook {
	return func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		defer fn()
		return hook(ctx, rec, expect, next)
	}
}

// overlap

// pause stops a goroutine in the middle: the goroutine calls here; the test waits with
// reached and lets it go on with resume.
type pause struct{ at, on chan struct{} }

func (p pause) here()    { close(p.at); <-p.on }
func (p pause) reached() { <-p.at }
func (p pause) resume()  { close(p.on) }

func newPause() pause { return pause{make(chan struct{}), make(chan struct{})} }

// barrier returns a function that returns when n goroutines have called it.
func barrier(n int) func() {
	var wg sync.WaitGroup
	wg.Add(n)
	return func() { wg.Done(); wg.Wait() }
}

// parallel runs fn n times at once and waits for all.
func parallel(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

// scripts of faults

// step performs one operation of the store, do, or lets it fail.
type step func(do func() error) error

// script performs the operations of a world's store by steps, beginning with the first.
// Operations after the last step succeed.
type script struct {
	mu    sync.Mutex
	count int // operations so far
	steps map[int]step
	rest  step // for those after the last of steps; nil: all succeed
	last  int
	late  []func() error // operations that are still under way
}

// at sets the step of the nth operation, and of all after it.
func (sc *script) at(n int, do, rest step) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.count, sc.last, sc.rest = 0, n, rest
	clear(sc.steps)
	sc.steps[n] = do
}

// heal lets the operations under way arrive, and all succeed from now on.
func (sc *script) heal() {
	sc.mu.Lock()
	late := sc.late
	clear(sc.steps)
	sc.rest, sc.late = nil, nil
	sc.mu.Unlock()
	for _, land := range late {
		_ = land()
	}
}

// reached reports whether there was an nth operation.
func (sc *script) reached(n int) bool {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	return sc.count > n
}

func (sc *script) do(op func() error) error {
	sc.mu.Lock()
	st := sc.steps[sc.count]
	if st == nil && sc.count > sc.last {
		st = sc.rest
	}
	sc.count++
	sc.mu.Unlock()
	if st == nil {
		return op()
	}
	return st(op)
}

// overdue is an operation that is given up and arrives when the script heals.
func (sc *script) overdue(do func() error) error {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.late = append(sc.late, do)
	return errBroken
}

// overdueAtPowerOff is an operation that is under way when the program ends.
func (sc *script) overdueAtPowerOff(do func() error) error {
	_ = sc.overdue(do)
	runtime.Goexit()
	return nil
}

// follow makes w's store perform its operations by the script from now on.
func (w *world) follow() *script {
	sc := &script{steps: map[int]step{}, last: -1}
	save, fetch := w.store.OnSave, w.store.OnFetch
	w.store.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		return save(ctx, rec, expect, func(ctx context.Context, rec *provider.Record, expect int64) error {
			cp := *rec
			cp.Data = bytes.Clone(rec.Data)
			return sc.do(func() error { return next(context.WithoutCancel(ctx), &cp, expect) })
		})
	}
	w.store.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		return fetch(ctx, id, func(ctx context.Context, id string) (*provider.Record, error) {
			var read atomic.Pointer[provider.Record] // may be set after the caller has given up
			err := sc.do(func() error {
				rec, err := next(ctx, id)
				read.Store(rec)
				return err
			})
			if err != nil {
				return nil, err
			}
			return read.Load(), nil
		})
	}
	w.store.OnDelete = func(ctx context.Context, id string, next storetest.DeleteFunc) error {
		return sc.do(func() error { return next(context.WithoutCancel(ctx), id) })
	}
	return sc
}

// The following steps are faults.

// lost is an operation that never reaches the store.
func lost(func() error) error { return errBroken }

// unacknowledged is an operation whose reply is lost.
func unacknowledged(do func() error) error {
	_ = do()
	return errBroken
}

// powerOff ends the program before the operation, and powerOffAfter after it.
func powerOff(func() error) error { runtime.Goexit(); return nil }

func powerOffAfter(do func() error) error { _ = do(); runtime.Goexit(); return nil }

// first runs fn before the operation.
func first(fn func()) step {
	return func(do func() error) error {
		fn()
		return do()
	}
}
