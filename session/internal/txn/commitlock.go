package txn

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/queue"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// lockCommit waits until no other commit of the transaction runs. The wait has a timeout,
// because a closure that calls Save inside of Update would wait for itself.
func (t *Txn) lockCommit(ctx context.Context) error {
	released := t.tryLockCommit()
	if released == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*t.e.Timeout)
	defer cancel()
	for ; released != nil; released = t.tryLockCommit() {
		select {
		case <-released:
		case <-ctx.Done():
			return fmt.Errorf("%w: another Save or Update of this Session has not ended (is this call inside of it?)", records.ErrUnavailable)
		}
	}
	return nil
}

// tryLockCommit acquires the commit lock, or returns a channel that is closed on release.
func (t *Txn) tryLockCommit() (released <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.busy {
		t.busy = true
		return nil
	}
	if t.released == nil {
		t.released = make(chan struct{})
	}
	return t.released
}

func (t *Txn) unlockCommit() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = false
	if t.over {
		t.drop()
	}
	if t.released != nil {
		close(t.released)
		t.released = nil
	}
}

// joinQueue waits in the queue of the requests that compete for the session, and keeps
// the place over several commits.
func (t *Txn) joinQueue(ctx context.Context, id string) {
	if ticket, _ := t.previousResult(); ticket != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.e.Timeout)
	defer cancel()
	ticket, _ := queue.Join(ctx, id)
	t.keepTicket(ticket)
}

// LeaveQueue gives up the place in the queue.
func (t *Txn) LeaveQueue() { t.keepTicket(nil) }

// keepTicket holds ticket in place of the previous one, for at most Timeout: a handler
// that runs again may take long before it answers.
func (t *Txn) keepTicket(ticket *queue.Ticket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ticket == ticket {
		return
	}
	t.ticket.Leave()
	t.ticket = ticket
	if ticket != nil {
		time.AfterFunc(t.e.Timeout, ticket.Leave)
	}
}
