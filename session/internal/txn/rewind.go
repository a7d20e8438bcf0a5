package txn

import (
	"context"
	"fmt"
)

// Savepoint is the state of the session when a handler that may run again was called.
type Savepoint struct {
	commits int32
	state   state
}

// Savepoint returns a savepoint of the present state.
func (t *Txn) Savepoint() *Savepoint {
	at := t.savepoint()
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Savepoint{commits: t.commits, state: at}
}

// MayRunAgain reports whether the handler has done nothing since at that another run
// would repeat. At is nil if the session was not loaded then. With safeOnly it also
// excludes operations that a handler must not repeat unless it was written for that: Pop,
// Renew and Destroy.
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

// Rewind resets the session to at, rebased on the newest content. It fails with a
// conflict if something that was read before the handler, by code that does not run
// again, has changed.
func (t *Txn) Rewind(ctx context.Context, at *Savepoint) error {
	if at == nil {
		at = &Savepoint{state: state{identity: t.cameWith()}}
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

// readInside is the remedy if code that runs only once has read the session.
const readInside = "read the session in that handler, or put Manager.Replay around the code that reads it"

// forgive clears the error of a failed commit, so that the session can be used again.
func (t *Txn) forgive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed, t.reported = nil, false
}
