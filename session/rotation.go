package session

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/rotation"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

const (
	defaultRotateGrace = time.Minute

	// minRotateGrace is how long a response that changes the browser's cookie may be under
	// way, here as everywhere.
	minRotateGrace = records.StrictWindow
)

func (c *Config) validateRotation() error {
	switch {
	case c.RotateInterval < 0:
		return fmt.Errorf("session: RotateInterval %v is negative", c.RotateInterval)
	case c.RotateGrace < minRotateGrace:
		return fmt.Errorf("session: RotateGrace %v is under %v, for which a response may be under way", c.RotateGrace, minRotateGrace)
	case c.RotateInterval != 0 && c.RotateInterval < 2*c.RotateGrace:
		return fmt.Errorf("session: RotateInterval %v is shorter than %v, which is twice RotateGrace", c.RotateInterval, 2*c.RotateGrace)
	}
	return nil
}

// longestValue returns the length of the longest value of the session's cookie.
func (c *Config) longestValue() int {
	if c.RotateInterval == 0 {
		return token.ValueLength
	}
	return token.MaxValueLength
}

// rotationPolicy returns the policy of the Config, or nil if sessions are not rotated.
func (c *Config) rotationPolicy() *rotation.Policy {
	if c.RotateInterval == 0 {
		return nil
	}
	return &rotation.Policy{Interval: c.RotateInterval, Grace: c.RotateGrace, SparesBound: c.DeviceBinding != BindingOff}
}

// isTheft reports whether the use of that index shows that the cookie of the session c was
// copied.
func (m *Manager) isTheft(c *records.Content, index uint64) bool {
	p := m.engine.Rotation
	return p != nil && c != nil && !c.Tombstone && !m.outlived(c) && m.knowsFormat(c.Format) && p.IsTheft(c, index)
}

// endStolen ends the session c of which a cookie was used that must not be used any more. It
// returns what is stored afterwards, and appends the end to ends.
func (m *Manager) endStolen(ctx context.Context, who token.Identity, c *records.Content, ends []observe.Event) (*records.Content, []observe.Event, error) {
	a := m.records.Access(ctx, nil)
	defer a.Leave()
	stored, ended, err := m.engine.Rotation.End(&a, who.ID, c, who.Index)
	if err != nil {
		return nil, ends, err
	}
	if ended == nil {
		return stored, ends, nil
	}
	m.owners.Remove(&a, who.ID, ended) // others may have changed the owner and the labels of c
	m.logTheft(who, ended)
	if m.engine.Observer != nil {
		ends = append(ends, observe.Event{Op: observe.End, PublicID: who.ID, Owner: ended.Owner, EndReason: observe.Theft})
	}
	return stored, ends, nil
}

// logTheft logs that a session was ended because its cookie was copied.
func (m *Manager) logTheft(who token.Identity, c *records.Content) {
	s := c.Fields.Rotation()
	m.cfg.Logger.Error("session: a session was ended, because a cookie was used that a newer one has replaced: two clients have the session, one of which may be a thief; "+
		"let the user sign in again, and look at what the session has done; if this happens often, check whether your clients keep several copies of the cookie, "+
		"or whether requests take longer than Config.RotateGrace",
		slog.String("public_id", who.ID), slog.Time("used_cookie_of", timeOfIndex(who.Index, c)), slog.Time("newest_cookie_of", timeOfIndex(s.Issued, c)))
}

// timeOfIndex returns when the index was issued.
func timeOfIndex(index uint64, c *records.Content) time.Time {
	if index == 0 {
		return c.Started.Std()
	}
	return envelope.Time(index).Std()
}
