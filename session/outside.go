package session

import (
	"context"
	"net/http"

	"github.com/holdfast-go/holdfast/provider"
)

// Update changes the session of that public ID from outside of a request, such as a
// worker or a websocket's goroutine: see [Session.Update], which this is on a
// Session that has no request. The public ID must be the program's own to use, not one
// that came with a request: see [Manager.Revoke]. What would need a cookie, as Renew does, fails with
// ErrHeaderSent, and a session that is not there with ErrEnded.
func (m *Manager) Update(ctx context.Context, publicID string, fn func(*Session) error) error {
	m.check()
	if provider.ValidateID(publicID) != nil {
		return ErrEnded
	}
	return m.outside(ctx, publicID, m.freshContent()).Update(ctx, fn)
}

// outside returns a session that is in no request: what its request has left it as,
// so to speak.
func (m *Manager) outside(ctx context.Context, id string, c *content) *Session {
	p := &passage{m: m, request: (&http.Request{}).WithContext(ctx)}
	p.sent.Store(true)
	s := p.newSession(identity{id: id}, c)
	s.ended = true
	return s
}

// Check tells a long-lived connection, by one storage trip, that its session goes
// on. It returns ErrEnded if the session has been destroyed, revoked or renewed or
// has expired, also one that was not stored yet, and ErrUnavailable or
// ErrUnreadable. It does not count as use of the session: to extend it, Touch it.
func (s *Session) Check(ctx context.Context) error {
	id := s.PublicID()
	if id == "" {
		return ErrEnded
	}
	bounded, cancel := context.WithTimeout(ctx, s.m.cfg.StoreTimeout)
	defer cancel()
	found, err := s.m.fetch(bounded, id)
	if err != nil {
		return err
	}
	return s.m.standing(found)
}

// standing reports why c, as it was just read, is no session any more.
func (m *Manager) standing(c *content) error {
	switch {
	case c == nil || c.isOwnerIndex() || m.expired(c):
		return ErrEnded
	case c.Tombstone:
		return errTombstone
	}
	return nil
}
