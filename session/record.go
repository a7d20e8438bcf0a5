package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

// tombstoneLifetime is how long it is remembered at least that a session was renewed or
// destroyed: longer than any request that began before should take. A renewed session's
// tombstone stays as long as its successor may live, so that who ends it by its old name
// ends the successor. After that the record is absent, and a late save conflicts all the
// same.
const tombstoneLifetime = 5 * time.Minute

// decode reads what the provider has returned for id.
func (m *Manager) decode(id string, rec *provider.Record) (*content, error) {
	if rec == nil || rec.ID != id {
		return nil, fmt.Errorf("%w: the provider returned no record or another one", ErrUnreadable)
	}
	codec, known := m.codecs[rec.Format]
	if !known {
		codec = unknownCodec(rec.Format)
	}
	e, err := envelope.Decode(id, rec.Data)
	switch {
	case err != nil && !known:
		return nil, unknownCodec(rec.Format).problem()
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if !envelope.ValidVersion(rec.Version) {
		return nil, fmt.Errorf("%w: malformed version", ErrUnreadable)
	}
	return &content{Envelope: e, version: rec.Version, expires: rec.ExpiresAt, codec: codec}, nil
}

// record returns the record of an encoded c under id.
func (m *Manager) record(id string, c *content) (*provider.Record, error) {
	// The history grows by itself, so it does not count, nor do a tombstone and a
	// index.
	if size := len(c.data) - len(c.History); size > m.cfg.MaxSize && !c.Tombstone && !c.isOwnerIndex() {
		return nil, fmt.Errorf("%w: %d bytes, over the %d of Config.MaxSize", ErrTooLarge, size, m.cfg.MaxSize)
	}
	c.data = envelope.Bind(c.data, id)
	return &provider.Record{ID: id, Version: c.version, ExpiresAt: c.expires, Format: c.codec.Name(), Data: c.data}, nil
}

// follow returns what goes on with the session of base. It is to be encoded.
func follow(base *content) *content {
	next := &content{codec: base.codec}
	next.Created, next.Started, next.Deadline, next.Seen = base.Created, base.Started, base.Deadline, now()
	next.Owner = base.Owner
	return next
}

// encode makes c the version after prev, nil in a new record, with these entries once
// the edits are made.
func (c *content) encode(prev *content, kept *envelope.Entries, edits []envelope.Edit) {
	if prev == nil {
		prev = new(content)
	}
	c.version = envelope.NextVersion(prev.version)
	c.data = c.Encode(prev.version, prev.History, kept, edits)
}

// tombstone returns the content that ends base's session, which goes on under
// the record ID successor, if any. From outside means that no answer is under way that
// changes the browser's cookie.
func tombstone(base *content, successor string, outside bool) *content {
	t := follow(base)
	t.Tombstone, t.Successor, t.Outside = true, successor, outside
	t.expires = t.Seen.Add(tombstoneLifetime)
	t.encode(base, nil, nil)
	return t
}

// restart begins the lifetime of c anew, and the span of a persistent one.
func restart(c *content) {
	if !c.Deadline.IsZero() {
		c.Deadline = c.Seen.Add(c.Deadline.Sub(c.Started))
	}
	c.Started = c.Seen
}

// persist makes c end d from now, but not before it would have ended anyway
// nor after it may, or takes that back. It returns the expiry that c must not
// fall behind.
func (m *Manager) persist(c *content, d time.Duration, before time.Time) time.Time {
	if d <= 0 {
		c.Deadline = time.Time{}
		return time.Time{}
	}
	c.Deadline = c.Seen.Add(d)
	if before.After(c.Deadline) {
		c.Deadline = before
	}
	c.Deadline = earlier(c.Deadline, c.Started.Add(m.cfg.PersistLifetime))
	return before
}

// end returns when c ends, however busy it is.
func (m *Manager) end(c *content) time.Time {
	if c.Deadline.IsZero() {
		return c.Started.Add(m.cfg.Lifetime)
	}
	return earlier(c.Deadline, c.Started.Add(m.cfg.PersistLifetime))
}

// expiry returns when c, used at that time, ends unless it is used before, given
// when its predecessor did: it never decreases, except to what the Config allows.
func (m *Manager) expiry(c *content, used, before time.Time) time.Time {
	window := m.cfg.IdleTimeout
	if !c.Deadline.IsZero() {
		window = m.cfg.PersistIdleTimeout
	}
	idle := used.Add(window)
	if before.After(idle) {
		idle = before
	}
	return earlier(idle, m.end(c))
}

// expired reports whether c has outlived a Lifetime that was shortened after
// it was saved.
func (m *Manager) expired(c *content) bool {
	return !c.Tombstone && !time.Now().Before(m.end(c))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// unavailable wraps an error of the storage's that saved nothing.
func unavailable(err error) error {
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnreadable):
		return err
	case errors.Is(err, provider.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, provider.ErrUnreadable), errors.Is(err, keyring.ErrUnreadable):
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

func outcomeUnknown(err error) error { return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err) }
