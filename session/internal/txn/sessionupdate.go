package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// maxReruns limits the runs of an Update's closure. Updates in this process queue up, so
// only competing processes can cause that many runs.
const maxReruns = 64

// Run loads the newest session, applies the changes that the request has already made,
// runs fn, and commits. If a parallel request commits first, the changes of fn are undone
// and fn runs again.
func (t *Txn) Run(ctx context.Context, fn func() error) error {
	if err := t.lockCommit(ctx); err != nil {
		return err
	}
	defer t.unlockCommit()
	defer t.LeaveQueue()
	var err error
	for n := range maxReruns {
		err = t.runOnce(ctx, fn, errors.Is(err, errStartOver))
		if !errors.Is(err, errRerun) {
			return err
		}
		t.e.ObserveReplay(ctx, t.PublicID(), n+1)
		t.joinQueue(ctx, t.PublicID())
	}
	return fmt.Errorf("%w: others were first %d times", records.ErrUnavailable, maxReruns)
}

// ObserveReplay reports to the Observer that a handler or closure runs again after a
// conflict, after n runs.
func (e *Engine) ObserveReplay(ctx context.Context, publicID string, n int) {
	event := e.Observer.Begin(observe.Replay)
	event.PublicID, event.Attempts = publicID, n
	e.Observer.End(ctx, event)
}

func (t *Txn) runOnce(ctx context.Context, fn func() error, startOver bool) error {
	if _, err := t.previousResult(); err != nil {
		return t.refused(ctx, err)
	}
	event := t.e.Observer.Begin(observe.Save)
	if err := t.refresh(ctx, startOver); err != nil {
		t.recordResult(err, updating)
		event.PublicID, event.Err = t.PublicID(), err
		t.e.Observer.End(ctx, event)
		return err
	}
	before := t.savepoint()
	undo := true
	defer func() {
		if undo {
			t.rollback(before)
		}
	}()
	err := t.runUpdating(fn)
	if err != nil {
		return err
	}
	err = t.commitLocked(ctx, updating, "")
	undo = errors.Is(err, errRerun) || err != nil && t.isOver()
	return err
}

// isOver reports whether the request is over. If an Update fails then, its changes are
// undone instead of dropped: the caller has the error and may try again.
func (t *Txn) isOver() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

func (t *Txn) runUpdating(fn func() error) error {
	t.setUpdating(true)
	defer t.setUpdating(false)
	return fn()
}

func (t *Txn) setUpdating(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.updating = on
	if on {
		t.before = t.state.destroyed
	}
}

// refresh loads the newest content and applies the request's changes to it. If the
// session has ended, a Renew starts over.
func (t *Txn) refresh(ctx context.Context, startOver bool) error {
	d := t.snapshot()
	if d.id == "" {
		return nil
	}
	newest, err := t.newest(ctx, d.id)
	if errors.Is(err, records.ErrTombstone) && (d.renew || startOver) {
		return t.startOver(d)
	}
	if err != nil {
		return err
	}
	if d.needed() {
		if err := t.check(d, newest); err != nil {
			return err
		}
	}
	return t.rebase(newest)
}

// newest reads the stored content of the session.
func (t *Txn) newest(ctx context.Context, id string) (*records.Content, error) {
	a := t.e.Records.Access(ctx, nil)
	found, err := a.Fetch(id)
	if err == nil {
		err = t.e.current()
	}
	if err != nil {
		return nil, err
	}
	if err := t.e.Lifetimes.Live(found); err != nil {
		return nil, err
	}
	return found, nil
}
