package txn

import (
	"context"
	"fmt"
)

// Savepoint is the session as it was when a handler was called that may run again.
type Savepoint struct {
	commits int
	state   state
}

// Savepoint returns the savepoint of the session as it stands.
func (t *Txn) Savepoint() *Savepoint {
	at := t.savepoint()
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Savepoint{commits: t.commits, state: at}
}

// MayRunAgain reports whether a run since at has done nothing that another run would do
// twice. At is nil if the session was not loaded then. With safeOnly that includes what a
// handler may do once only that nobody has said to bear another run.
func (t *Txn) MayRunAgain(at *Savepoint, safeOnly bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at == nil {
		at = new(Savepoint)
	}
	st := &t.state
	if t.commits > at.commits || at.state.id == "" && at.state.destroyed != nil || t.over {
		return false
	}
	return !safeOnly || len(st.popped) == len(at.state.popped) && st.renew == at.state.renew && st.destroyed == at.state.destroyed
}

// Rewind puts the session back to at, rebased on the newest content, unless what was read
// before the handler, by code that will not run again, has changed.
func (t *Txn) Rewind(ctx context.Context, at *Savepoint) error {
	if at == nil {
		at = &Savepoint{state: state{identity: t.loaded}}
	}
	t.joinQueue(ctx, at.state.id)
	newest, err := t.newest(ctx, at.state.id)
	if err != nil {
		return err
	}
	if key, stale := at.state.reads.stale(newest, hard); stale {
		return conflict(fmt.Sprintf("key %q was read outside of the handler that runs again, and has changed meanwhile", key), readInside)
	}
	if at.state.reads.listingStale(newest) {
		return conflict("the keys were listed outside of the handler that runs again, and have changed meanwhile", readInside)
	}
	t.rollback(at.state)
	t.forgive()
	return t.rebase(newest)
}

// readInside is the remedy where code that runs once has read the session.
const readInside = "read the session in that handler, or put Manager.Replay around what reads it"

// forgive lets a session whose commit has failed start again.
func (t *Txn) forgive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed, t.reported = nil, false
}
