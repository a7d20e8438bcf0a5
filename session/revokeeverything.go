package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
	"github.com/holdfast-go/holdfast/session/internal/epoch"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

// RevokeEverything ends every session of the Namespace at once, however many there are, as
// after a leak of the signing keys or of the store. It needs
// Config.RevokeEverythingWithin, which every instance must have; without it,
// RevokeEverything returns an error and has ended nothing.
//
// When RevokeEverything returns nil, all sessions whose login was answered before the call
// have ended on all instances: a request that comes later is anonymous, a request that has
// loaded such a session before can no longer save, and Session.Watch ends as for
// [Manager.RevokeAll]. A login during the call may be ended, too. A login after the call
// works, with an old cookie or without one.
//
// It takes two storage trips, and then waits for a little longer than
// Config.RevokeEverythingWithin, since no instance uses what it knows for longer than that.
// With provider/memory it does not wait. If ctx ends during the wait, it returns an error
// that wraps ErrUnavailable: the sessions have ended on this instance, and end on the
// others within that time. After another error, call it again.
//
// The store keeps the number of calls in a record, which [Inspect] shows with the time of
// the last one. If the store loses the record, an instance that knows it puts it back. The
// records of ended sessions stay until they expire.
func (m *Manager) RevokeEverything(ctx context.Context) error {
	m.check()
	if m.engine.Epochs == nil {
		return errors.New("session: RevokeEverything needs Config.RevokeEverythingWithin, on every instance; nothing was ended")
	}
	event := m.engine.Observer.Begin(observe.RevokeEverything)
	tries, err := m.revokeEverything(ctx)
	event.Attempts, event.Err = tries, err
	m.engine.Observer.End(ctx, event)
	return err
}

func (m *Manager) revokeEverything(ctx context.Context) (tries int, err error) {
	number, tries, err := m.engine.Epochs.Advance(ctx)
	if err != nil {
		return tries, err
	}
	timer := time.NewTimer(waitFor(m.engine.Epochs.MaxAge()))
	defer timer.Stop()
	m.cfg.Logger.Warn("session: RevokeEverything has ended every session", slog.Int64("epoch", number))
	if m.sender != nil {
		m.sender.SendEnded(m.epochID())
	}
	select {
	case <-timer.C:
		return tries, nil
	case <-ctx.Done():
		return tries, fmt.Errorf("%w: every session has ended on this instance, and ends on the others within %v: %w",
			ErrUnavailable, m.cfg.RevokeEverythingWithin, context.Cause(ctx))
	}
}

// waitFor returns how long to wait until no instance uses what it has read before. The
// clocks of two machines do not run at exactly the same speed.
func waitFor(maxAge time.Duration) time.Duration { return maxAge + maxAge/32 }

// epochID returns the ID of the record that RevokeEverything changes.
func (m *Manager) epochID() string { return token.RecordID("epoch", m.cfg.Namespace, nil) }

// newEpochs returns what the Manager knows of RevokeEverything, or nil if it is off.
func (m *Manager) newEpochs() *epoch.Epochs {
	if m.cfg.RevokeEverythingWithin == 0 {
		return nil
	}
	return epoch.New(m.records, epoch.Options{
		ID:     m.epochID(),
		MaxAge: m.cfg.RevokeEverythingWithin,
		Look:   func() { m.watches.CheckAll() },
		Logger: m.cfg.Logger,
	})
}

// heardEpoch returns what notices the messages of RevokeEverything, nil if it is off.
func (m *Manager) heardEpoch() func(broadcast.Kind, broadcast.Tag) {
	if m.cfg.RevokeEverythingWithin == 0 {
		return nil
	}
	announced := broadcast.TagOf(m.epochID())
	return func(kind broadcast.Kind, tag broadcast.Tag) {
		if kind == broadcast.Ended && tag == announced {
			m.engine.Epochs.Announced()
		}
	}
}

// meet makes sure that this instance knows the present epoch, and that of c.
func (m *Manager) meet(ctx context.Context, c *records.Content) error {
	if c == nil || c.Tombstone {
		return nil
	}
	return m.engine.Epochs.Meet(ctx, c.Fields.Epoch())
}
