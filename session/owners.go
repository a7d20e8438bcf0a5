package session

import (
	"context"
	"errors"
	"slices"
)

// SetOwner makes the session one of the user's, so that [Manager.Sessions] lists
// it and [Manager.RevokeAll] ends it. Call it at the login, together with Renew;
// "" makes the session nobody's again. What else the session holds of the user is
// the program's own business. A session without values is stored for it.
//
// A session that is used looks whether it is listed, once in each Config.TouchInterval
// and for one trip, since a store that evicts may lose the list.
//
// userID is what the program knows the user by, and for ever: an account's number
// rather than a name or an address that may change hands.
//
// A commit that makes a session somebody's takes two storage trips more than it
// would otherwise, and so does one that ends such a session; a renewal does both.
// Where the user has 16 sessions or more, a sign-in also reads an eighth of them, at
// most 16, to see which have expired, and all of them at Config.OwnerLimit. A user's
// list is one record of 4096 sessions at most. A sign-in that finds it full fails with
// ErrTooManySessions.
//
// The owner is no key, and outside of the isolation levels: of two requests that
// set it without Renew, the last wins.
func (s *Session) SetOwner(userID string) { s.transaction().SetOwner(userID) }

// Owner returns the user whose session it is, or "".
func (s *Session) Owner() string { return s.transaction().Owner() }

// Sessions returns the user's sessions, the one that was used last first. They
// are outside of any request: their values can be read, and Session.Update
// changes them. It takes one storage trip, and one more for each session, eight at
// the same time. A session that cannot be read is left out; RevokeAll tells of it.
func (m *Manager) Sessions(ctx context.Context, userID string) ([]*Session, error) {
	m.check()
	members, err := m.owners.Sessions(ctx, userID)
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

// Revoke ends the session of that public ID, as Session.Destroy does: a request that
// is under way in it saves nothing any more, and the next one finds it gone. If
// it was renewed, what it became is ended, for as long as that could live when it was
// renewed.
//
// A session that was destroyed or revoked before is no error while its record tells so,
// for five minutes. Where there is no session of that public ID Revoke returns ErrEnded, and
// has ended nothing: the session has expired, or what it was renewed to was renewed or
// persisted after that and lives on. Sessions has its present public ID.
//
// Revoke does not ask whose session it is. A public ID that came with a request is
// to be looked up in the user's Sessions first.
func (m *Manager) Revoke(ctx context.Context, publicID string) error {
	m.check()
	return m.owners.Revoke(ctx, publicID)
}

// RevokeAll ends every session of the user: all whose login came before the call;
// and a login that runs meanwhile is either ended, too, or comes after it. An error
// does not stop it: it returns all of them at the end, and is then to be repeated.
//
// It ends what the store lists as the user's. A store that forgets, such as a Redis that
// evicts, may have lost the list; a session then is on it again at its next use, when
// TouchInterval is over. RevokeAll knows of that only if ctx is that of a request whose
// session is the user's and was not listed. It then ends that as well, and returns
// ErrNotListed. Without such a session nothing tells a list that was lost from a user who
// has no sessions: both are nil.
func (m *Manager) RevokeAll(ctx context.Context, userID string) error {
	m.check()
	var own string
	if p := requestStateOf(ctx, m); p != nil {
		if s := p.session.Load(); s != nil && s.tx.Base().Owner == userID {
			own = s.PublicID()
		}
	}
	err := m.owners.RevokeAll(ctx, userID, own)
	if own != "" && errors.Is(err, ErrNotListed) {
		if revoked := m.Revoke(ctx, own); revoked != nil && !errors.Is(revoked, ErrEnded) {
			err = errors.Join(err, revoked)
		}
	}
	return err
}

// RevokeOthers ends every session of the same user but s, and but what a parallel
// request has renewed s to or is about to, as a change of password should. See RevokeAll; if s is not
// listed itself, RevokeOthers lists it, and returns ErrNotListed.
func (m *Manager) RevokeOthers(ctx context.Context, s *Session) error {
	m.check()
	owner := s.Owner()
	if owner == "" {
		return errors.New("session: RevokeOthers of a session that is nobody's; call SetOwner first")
	}
	return m.owners.RevokeOthers(ctx, owner, s.PublicID(), s.tx.Base().Owner == owner)
}
