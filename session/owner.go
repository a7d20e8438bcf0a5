package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/provider"
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
func (s *Session) SetOwner(userID string) {
	s.mutate("SetOwner", func(st *state) {
		st.reads.harden()
		st.owner = &userID
	})
}

// Owner returns the user whose session it is, or "".
func (s *Session) Owner() string {
	s.lock()
	defer s.mu.Unlock()
	st := &s.state
	if st.owner != nil {
		return *st.owner
	}
	owner := st.view.base.Owner
	st.reads.nonEmpty = st.reads.nonEmpty || owner != ""
	return owner
}

// Sessions returns the user's sessions, the one that was used last first. They
// are outside of any request: their values can be read, and Session.Update
// changes them. It takes one storage trip, and one more for each session, eight at
// the same time. A session that cannot be read is left out; RevokeAll tells of it.
func (m *Manager) Sessions(ctx context.Context, userID string) ([]*Session, error) {
	m.check()
	st := m.storage(ctx, nil)
	index, err := st.index(userID)
	if err != nil || index == nil {
		return nil, err
	}
	at := now()
	found, err := st.muster(ctx, userID, places(index, at), at)
	if err != nil {
		return nil, err
	}
	if len(found.over) > 0 {
		st.strike(userID, found.over...)
	}
	var sessions []*Session
	for _, member := range slices.Backward(found.live) {
		sessions = append(sessions, m.outside(ctx, member.id, member.content))
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
	if provider.ValidateID(publicID) != nil {
		return errNotThere
	}
	st := m.storage(ctx, nil)
	found, err := st.fetch(publicID)
	switch {
	case err != nil:
		return err
	case found == nil || found.isOwnerIndex():
		return errNotThere
	}
	if err := st.end(&doomed{identity: identity{id: publicID}, base: found, named: true}); err != nil {
		return err
	}
	if found.Owner != "" {
		st.strike(found.Owner, gone(publicID))
	}
	return nil
}

// errNotThere is ErrEnded of a public ID that names no session.
var errNotThere = fmt.Errorf("%w: there is no session of this public ID, so nothing was ended", ErrEnded)

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
	if p := passageOf(ctx, m); p != nil {
		if s := p.session.Load(); s != nil && s.storedOwner() == userID {
			own = s.PublicID()
		}
	}
	err := m.revokeBut(ctx, userID, "", own)
	if own != "" && errors.Is(err, ErrNotListed) {
		if revoked := m.Revoke(ctx, own); revoked != nil && !errors.Is(revoked, ErrEnded) {
			err = errors.Join(err, revoked)
		}
	}
	return err
}

// storedOwner returns the owner of the session as it is stored, or "".
func (s *Session) storedOwner() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.view.base.Owner
}

// RevokeOthers ends every session of the same user but s, and but what a parallel
// request has renewed s to, as a change of password should. See RevokeAll; if s is not
// listed itself, RevokeOthers lists it, and returns ErrNotListed.
func (m *Manager) RevokeOthers(ctx context.Context, s *Session) error {
	m.check()
	owner := s.Owner()
	if owner == "" {
		return errors.New("session: RevokeOthers of a session that is nobody's; call SetOwner first")
	}
	spared, err := m.storage(ctx, nil).successor(s.PublicID())
	if err != nil {
		return err
	}
	var known string
	if s.storedOwner() == owner {
		known = spared
	}
	return m.revokeBut(ctx, owner, spared, known)
}

// successor returns what the session id has been renewed to, as far as it was.
func (st storage) successor(id string) (string, error) {
	for range maxSuccessors {
		if id == "" {
			break
		}
		found, err := st.fetch(id)
		if err != nil {
			return "", err
		}
		if found == nil || !found.Tombstone || found.Successor == "" {
			break
		}
		id = found.Successor
	}
	return id, nil
}

// revokeBut ends the sessions of owner's index but spared. It returns ErrNotListed if
// the session known, "" for none, lives as the owner's and is not in it.
func (m *Manager) revokeBut(ctx context.Context, owner, spared, known string) error {
	st := m.storage(ctx, nil)
	index, err := st.index(owner)
	if err != nil {
		return err
	}
	var over []place
	var errs []error
	at := now()
	if known != "" && !lists(index, known, at) {
		errs = append(errs, st.unlisted(known, owner, spared))
	}
	for _, p := range places(index, at) {
		if p.id == spared {
			continue
		}
		if ctx.Err() != nil {
			errs = append(errs, unavailable(context.Cause(ctx)))
			break
		}
		st.restart()
		ended, err := st.revoke(p, owner, spared, at)
		if err != nil {
			errs = append(errs, err)
		}
		if ended {
			over = append(over, p)
		}
	}
	if len(over) > 0 {
		st.restart()
		st.strike(owner, over...)
	}
	return errors.Join(errs...)
}

// unlisted returns ErrNotListed if the session id is the owner's, and enters it if it is
// to be spared.
func (st *storage) unlisted(id, owner, spared string) error {
	found, err := st.fetch(id)
	if err != nil || found == nil || found.Tombstone || found.Owner != owner {
		return err
	}
	if id == spared {
		st.reenter(id, found)
	}
	return ErrNotListed
}

// revoke ends the session at p if it is owner's, and reports whether p is over.
func (st *storage) revoke(p place, owner, spared string, at time.Time) (over bool, err error) {
	found, err := st.fetch(p.id)
	switch {
	case err != nil:
		return false, err
	case found == nil, !found.Tombstone && found.Owner != owner:
		return p.over(found, owner, at), nil
	}
	err = st.end(&doomed{identity: identity{id: p.id}, base: found, owner: owner, spared: spared})
	return err == nil, err
}

// end buries b from outside of any request of its own, with time and a place in
// the queue of its own as well.
func (st *storage) end(b *doomed) error {
	b.revoked = true
	c := &commit{storage: st.m.storage(st.asks, nil)}
	defer func() { c.turn.Leave() }()
	event := st.m.watch(OpRevoke)
	err := c.entomb(b)
	event.PublicID, event.Attempts, event.Err = b.id, 1+c.tries, err
	st.m.observed(st.ctx(), event)
	return err
}

// spares reports whether c, under this ID, is none of the sessions to revoke.
func (b *doomed) spares(id string, c *content) bool {
	return id == b.spared || !c.Tombstone && b.owner != "" && b.owner != c.Owner
}
