package epoch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// errLast is the error for an epoch that none can follow.
var errLast = fmt.Errorf("%w: the record of RevokeEverything holds the last number that is possible; delete it, and change Config.Namespace to sign everybody out", records.ErrUnreadable)

// Advance begins a new epoch: every session has ended as soon as it returns, on this
// instance, and on the others after MaxAge. It returns the number of the epoch and how
// often the save was tried.
func (e *Epochs) Advance(ctx context.Context) (epoch int64, tries int, err error) {
	a := e.store.Access(ctx, nil)
	sent := time.Now()
	stored, err := e.kind.Fetch(&a, e.opts.ID)
	if err != nil {
		return 0, 1, err
	}
	saved, err := e.kind.ChangeUnqueued(&a, e.opts.ID, stored, func(stored *state) (*state, error) {
		tries++
		next := max(stored.number(), e.Known()) + 1
		if next > envelope.MaxEpoch {
			return nil, errLast
		}
		return follow(stored, next, records.Now().Std()), nil
	})
	if err != nil {
		return 0, tries, err
	}
	e.learn(saved.epoch, sent)
	return saved.epoch, tries, nil
}

// restore puts back a later epoch that this instance knows, or has met in a session, and
// returns the state that is then stored. If another instance has begun an epoch without
// knowledge of the later one, a new epoch follows both, because sessions of the later one
// have to end, too.
func (e *Epochs) restore(a *records.Access, stored *state, met int64) (*state, error) {
	known := max(e.Known(), met)
	if stored.number() >= known {
		return stored, nil
	}
	saved, err := e.kind.ChangeUnqueued(a, e.opts.ID, stored, func(current *state) (*state, error) {
		stored = current
		switch {
		case current.number() >= known:
			return nil, nil
		case current == nil:
			return follow(nil, known, records.Now().Std()), nil
		}
		return follow(current, min(known+1, envelope.MaxEpoch), records.Now().Std()), nil
	})
	switch {
	case err != nil && stored == nil: // it is known here all the same
		e.opts.Logger.Error("session: the store has lost the record of RevokeEverything, which could not be put back; sessions that had ended may be alive on instances that start now", slog.Any("error", err))
		return nil, nil
	case err != nil || saved == nil:
		return stored, err
	}
	e.opts.Logger.Error("session: the store has lost the record of RevokeEverything (deleted, evicted or lost in a failover), without which sessions that had ended would be alive; it was put back",
		slog.Int64("epoch", saved.epoch))
	return saved, nil
}
