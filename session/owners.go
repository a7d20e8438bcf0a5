package session

import (
	"context"
	"errors"
	"slices"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// SetOwner makes userID the owner of the session, so that [Manager.Sessions] lists it and
// [Manager.RevokeAll] ends it. Call it at the login, together with Renew. The ID ""
// removes the owner. SetOwner does not touch values of the session that concern the user.
// A session with an owner is stored even if it has no values.
//
// A session that is in use checks once in each Config.TouchInterval, with one storage
// trip, that it is still listed, since a store that evicts may lose the list.
//
// userID must identify the user permanently: an account number rather than a name or an
// address that may be reassigned.
//
// A commit that sets an owner takes two more storage trips, and so does one that ends a
// session with an owner; a renewal takes both. If the user has 16 sessions or more, a
// sign-in also reads an eighth of them, at most 16, to find expired ones. At
// Config.OwnerLimit it reads all of them. A user's list is one record of at most 4096
// sessions. A sign-in that finds it full fails with ErrTooManySessions.
//
// A session that is bound to a device (Config.DeviceBinding) loses its key if another owner
// is set, also without Renew: it may be the key of somebody else. The response asks the
// browser for another one. Outside of a request, or after the response has begun, such a
// change fails with ErrHeaderSent.
//
// The owner is not a key, and the isolation levels do not apply to it: of two requests
// that set it without Renew, the last wins.
func (s *Session) SetOwner(userID string) { s.transaction().SetOwner(userID) }

// Owner returns the owner of the session, or "" if it has none.
func (s *Session) Owner() string {
	if s.empty() {
		return ""
	}
	return s.transaction().Owner()
}

// Sessions returns the user's sessions, the most recently used first. They are detached
// from any request: their values can be read, and Session.Update changes them. It takes
// one storage trip, and one more for each session, eight at a time. A session that cannot
// be read is left out; RevokeAll reports it. The error wraps ErrUnavailable or
// ErrUnreadable.
func (m *Manager) Sessions(ctx context.Context, userID string) ([]*Session, error) {
	m.check()
	return m.sessions(ctx, records.OwnerLabel(userID))
}

// sessions returns the sessions with that label, the most recently used first.
func (m *Manager) sessions(ctx context.Context, of records.Label) ([]*Session, error) {
	if err := m.engine.Epochs.Current(ctx); err != nil {
		return nil, err
	}
	members, err := m.owners.Sessions(ctx, of)
	if err != nil {
		return nil, err
	}
	var sessions []*Session
	for _, member := range members {
		sessions = append(sessions, m.detached(ctx, member.ID, member.Content))
	}
	slices.SortStableFunc(sessions, func(a, b *Session) int { return b.LastSeenAt().Compare(a.LastSeenAt()) })
	return sessions, nil
}

// Revoke ends the session of that public ID, as Session.Destroy does: a request that is
// using it can no longer save, and the next request finds it ended. If the session was
// renewed, the session that replaced it is ended. This works as long as the new session
// could live when it was created.
//
// Revoke returns nil for a session that was destroyed or revoked in the last five
// minutes, as long as its tombstone is stored. It returns ErrEnded if there is no session
// of that public ID, and has ended nothing: the session has expired, or its successor was
// later renewed or persisted and lives on. Manager.Sessions returns its present public ID.
//
// Revoke does not check the owner. Look up a public ID that came with a request in the
// user's Sessions first.
func (m *Manager) Revoke(ctx context.Context, publicID string) error {
	m.check()
	defer m.tellOthers()
	return m.owners.Revoke(ctx, publicID)
}

// RevokeAll ends every session of the user: all sessions whose login was answered before
// the call. A concurrent login is either ended, too, or takes effect after it. RevokeAll
// goes on after an error and returns all errors joined; call it again then.
//
// It ends the sessions that the store lists for the user. A store that loses data, such
// as a Redis that evicts, may have lost the list. A session is then listed again at its
// next use after TouchInterval. RevokeAll can detect the loss only if ctx belongs to a
// request whose session is the user's and is not listed. It then ends that session as
// well, and returns ErrNotListed. Without such a session, a lost list looks like a user
// without sessions, and RevokeAll returns nil.
func (m *Manager) RevokeAll(ctx context.Context, userID string) error {
	m.check()
	return m.revokeAll(ctx, records.OwnerLabel(userID))
}

// revokeAll ends the sessions with that label.
func (m *Manager) revokeAll(ctx context.Context, of records.Label) error {
	defer m.tellOthers()
	var own string
	if p := requestStateOf(ctx, m); p != nil {
		if s := p.session(); s != nil && s.transaction().Base().Has(of) {
			own = s.PublicID()
		}
	}
	err := m.owners.RevokeAll(ctx, of, own)
	if own != "" && errors.Is(err, ErrNotListed) {
		if revoked := m.Revoke(ctx, own); revoked != nil && !errors.Is(revoked, ErrEnded) {
			err = errors.Join(err, revoked)
		}
	}
	return err
}

// RevokeOthers ends every session of the same user except s, as after a change of
// password. It also spares a session that a parallel request has renewed s to, or is
// about to. It returns an error if s has no owner. See RevokeAll for other errors; if s
// itself is not listed, RevokeOthers lists it, and returns ErrNotListed.
func (m *Manager) RevokeOthers(ctx context.Context, s *Session) error {
	m.check()
	defer m.tellOthers()
	owner := s.Owner()
	if owner == "" {
		return errors.New("session: RevokeOthers of a session without an owner; call SetOwner first")
	}
	return m.owners.RevokeOthers(ctx, owner, s.PublicID(), s.transaction().Base().Owner == owner)
}
