package txn

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// mayClaim reports whether d may begin a session over the tombstone; nil means that it no
// longer exists. A Renew always may.
func (d *snapshot) mayClaim(tombstone *records.Content) bool {
	return d.renew || tombstone == nil || tombstone.Tombstone && tombstone.Claimable(records.Now())
}

// mayBeLost reports whether d changes only LastWriteWins keys.
func (d *snapshot) mayBeLost() bool {
	if d.renew || d.cleared || d.owner != nil || len(d.labels) > 0 {
		return false
	}
	for i := range d.changes {
		if !d.changes[i].lastWriteWins {
			return false
		}
	}
	return true
}

// claim writes the ID of the session who into the tombstone of d's predecessor, if there
// is one. It does not do so for a visitor who has disconnected: the cookie would be lost,
// and nobody else could begin a session over the tombstone for the strict window.
func (c *commit) claim(d *snapshot, who identity) error {
	if d.predecessor == nil {
		return nil
	}
	if err := c.hungUp(); err != nil {
		return err
	}
	id, tombstone := d.predecessor.id, d.predecessor.content
	if tombstone == nil {
		var err error
		if tombstone, err = c.Fetch(id); err != nil {
			return err
		}
	}
	var replaced string // the session of an earlier claim
	_, err := c.ChangeUnqueued(id, tombstone, func(current *records.Content) (*records.Content, error) {
		replaced = ""
		switch {
		case current == nil:
			return nil, nil
		case !d.mayClaim(current):
			return nil, records.ErrTombstone
		case d.renew && !current.Login:
			replaced = current.Claim
		}
		return records.Claimed(current, who.id, d.renew), nil
	})
	if err == nil && replaced != "" {
		c.endClaim(replaced)
	}
	return err
}

// endClaim ends the session that was begun over a tombstone before a login. It spares one
// that has an owner or was renewed.
func (c *commit) endClaim(id string) {
	found, err := c.Fetch(id)
	if err == nil {
		var tombstone *records.Content
		tombstone, err = c.ChangeUnqueued(id, found, func(current *records.Content) (*records.Content, error) {
			if current == nil || current.Tombstone || current.Owner != "" {
				return nil, nil
			}
			return records.Tombstone(current, "", false), nil
		})
		if tombstone != nil {
			c.NoteEnd(id, tombstone, observe.Replaced)
		}
	}
	if err != nil {
		c.t.e.Logger.Warn("session: a session that was begun before a login could not be ended, and stays alive beside it",
			slog.String("public_id", id), slog.Any("error", err))
	}
}

// hungUp returns an error if the visitor, or the caller of Save or Update, no longer
// waits for the response.
func (c *commit) hungUp() error {
	for _, ctx := range []context.Context{c.Caller(), c.t.req.Context()} {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: the cookie could not be sent: %w", records.ErrUnavailable, context.Cause(ctx))
		}
	}
	return nil
}
