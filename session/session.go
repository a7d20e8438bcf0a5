package session

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Session is one visitor's session as one request sees it: the stored content when it was
// loaded, with the request's own changes on top. The methods of Session and [Key] change
// memory only. The changes are committed when the response begins, when the handler
// returns, or by Save and Update.
//
// A Session is safe for concurrent use. After its request has ended, Get and Update still
// work. Any other change is dropped and logged, and the next Save or Update returns
// ErrRequestDone. It also does so if changes were dropped when the request ended.
type Session struct {
	m   *Manager
	req request

	// tx is nil as long as the visitor has no session and the request has only read: most
	// requests of such visitors never need a transaction.
	tx     atomic.Pointer[txn.Txn]
	mu     sync.Mutex // held while tx is set, and protects absent
	absent string     // the key that was read without tx
}

// request is what a Session needs from its request.
type request interface {
	txn.Request
	Method() string
	opens(value string) // called if this token has opened a session
	token() Token       // that the visitor is to hold

	// boundTokens returns the tokens of bound sessions that came with the request.
	boundTokens() []string

	// skipsProof returns why the browser has sent the request without one, "" if it does not
	// say so.
	skipsProof() string

	// mayUseCopy reports whether the session may be served from a copy of the record of that
	// ID, and the number of the last commit that the visitor has seen of it.
	mayUseCopy(id string) (commits int64, ok bool)
}

// transaction returns the transaction of s. It panics unless a Manager made s.
func (s *Session) transaction() *txn.Txn {
	if s.empty() {
		return s.beginNew()
	}
	return s.tx.Load()
}

// empty reports whether s has no transaction, and thus no values. It panics unless a
// Manager made s.
func (s *Session) empty() bool {
	if s == nil || s.m == nil {
		s.refuse()
	}
	return s.tx.Load() == nil
}

// beginNew begins the transaction of a new session.
func (s *Session) beginNew() *txn.Txn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if tx := s.tx.Load(); tx != nil {
		return tx
	}
	tx := new(txn.Txn)
	tx.Begin(&s.m.engine, s.req, nil, "", nil)
	if s.absent != "" {
		tx.Get(s.absent, false)
	}
	if p, ok := s.req.(*requestState); ok && p.over.Load() {
		tx.End()
	}
	s.tx.Store(tx)
	return tx
}

// readsNothing records the read of key if s is empty, and reports whether it is. It
// remembers one key: the read of a second one begins the transaction.
func (s *Session) readsNothing(key string, lastWriteWins bool) bool {
	if !s.empty() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.tx.Load() != nil:
		return false
	case lastWriteWins || s.absent == key:
		return true
	case s.absent != "":
		return false
	}
	s.absent = key
	return true
}

// end is called when the request is over.
func (s *Session) end() {
	s.mu.Lock()
	tx := s.tx.Load()
	s.mu.Unlock()
	if tx != nil { // else beginNew ends it
		tx.End()
	}
}

func (s *Session) refuse() {
	if s == nil {
		panic("session: use of a nil *Session; look at the error that came with it")
	}
	panic("session: use of a Session that no Manager has made; take the one of Load, HandlerFunc, Manager.Open or Manager.Sessions")
}

// PublicID returns the ID of the session's record. It is a hash of the token in the
// cookie and cannot be used to take over the session. It is "" until the session is
// stored, and Renew changes it.
func (s *Session) PublicID() string {
	if s.empty() {
		return ""
	}
	return s.transaction().PublicID()
}

// IsNew reports whether this request began the session: the request came without the
// cookie of a live session, or with the cookies of several live sessions (see [Cookie]).
func (s *Session) IsNew() bool { return s.empty() || s.transaction().Began() }

// CreatedAt returns when the session began. Renew keeps it.
func (s *Session) CreatedAt() time.Time { return s.transaction().Base().Created.Std() }

// LastSeenAt returns when the session was last used, to the precision of
// Config.TouchInterval. For a session without an owner it is when the session was last
// saved. It is zero until the session is stored.
func (s *Session) LastSeenAt() time.Time { return s.transaction().Base().Seen.Std() }

// ExpiresAt returns when the session ends unless it is used before, as of its last load
// or save. It is zero until the session is stored.
func (s *Session) ExpiresAt() time.Time { return s.transaction().Base().Expires.Std() }

// Keys returns the names of the values, sorted.
func (s *Session) Keys() []string { return s.transaction().Keys() }

// Clear removes every value that exists when the change is committed, including values
// that a parallel request adds in the meantime. The session stays alive; use Destroy to
// log a user out.
func (s *Session) Clear() { s.transaction().Clear() }

// Renew gives the session a new ID and the visitor a new cookie, and restarts the
// lifetime. Call it on every change of privilege, such as a login: it prevents session
// fixation, because an attacker who knew the old cookie is anonymous afterwards.
//
// If another request has renewed or ended the session first, Renew begins an empty
// session, so that a login clicked twice works. The commit fails with ErrEnded instead if
// this request has read data of the old session: see "Conflicts" in the package
// documentation.
func (s *Session) Renew() { s.transaction().Renew() }

// Destroy ends the session and clears the visitor's cookie. If the request came with the
// cookies of several live sessions, Destroy ends them all: see [Cookie]. A value that is
// set after Destroy begins a new session.
//
// Destroy succeeds if the session has already ended. A value that is set after it then
// fails with ErrEnded if this request has read data of the session. At LevelSerializable
// and LevelStrict a Destroy may conflict like any change. The logout of a handler that
// reads nothing conflicts at LevelStrict only, and Replay repeats it.
func (s *Session) Destroy() { s.transaction().Destroy() }

// Persist keeps the session beyond the end of the browser session ("remember me"). The
// session ends d from now, or at its present expiry if that is later, but at most
// Config.PersistLifetime after it began or was renewed. It may be idle until then, or for
// Config.PersistIdleTimeout. Its cookie gets a Max-Age. If d is zero or negative, Persist
// undoes an earlier Persist. A session without values is not stored just for Persist.
//
// d counts from the call, not from the last use. For a sliding expiry, call Persist again
// when the user comes back: see the example. Each call that changes the deadline costs a
// save and sets the cookie again.
func (s *Session) Persist(d time.Duration) { s.transaction().Persist(d) }

// Save commits the changes made so far and returns the error to the handler: ErrConflict,
// ErrEnded, ErrUnavailable, ErrOutcomeUnknown, ErrTooLarge, ErrTooManySessions, ErrEncode
// or, for a new session after the response has begun, ErrHeaderSent. After an error, a
// response of the handler with a status of 400 or more is sent as it is, and commits
// nothing; any other response is replaced by that of the ErrorHandler. The end of ctx
// does not stop the save.
//
// Save returns nil if there is nothing to save. After the request it returns
// ErrRequestDone if changes were dropped: a change that no Save has acknowledged was not
// saved.
func (s *Session) Save(ctx context.Context) error {
	return s.transaction().Commit(ctx, txn.Explicit)
}

// Update loads the newest session, applies the changes that the request has already made,
// runs fn, and commits, all before it returns. If a parallel request commits first, the
// changes of fn are undone and fn runs again. If fn fails, none of its changes are saved
// and Update returns its error, which does not affect the response. An error of the
// commit has the same effect as an error of Save. No other goroutine may change the
// session during Update. fn must not call Save or Update of the same Session, and must
// not write the response: these would wait for the running Update.
//
// Update also works after the request, for changes that need no cookie. If the commit
// then fails, the changes of fn are undone, and Update may be called again. But once a
// change of this Session was dropped, Update returns ErrRequestDone and does not run fn,
// because fn may depend on that change. In this case use [Manager.Update] with the
// session's public ID.
func (s *Session) Update(ctx context.Context, fn func(*Session) error) error {
	return s.transaction().Run(ctx, func() error { return fn(s) })
}

// Touch extends the session, as a request does that loads it without a change. It is for
// use that is not a request, such as a message from a websocket: call it when the user
// has done something. It works during the request and after it.
//
// Touch takes one storage trip, and a second one if Config.TouchInterval has passed since
// the session was last extended. In the latter case a session with an owner takes one or
// two more for the owner's list, as in a request. Touch does not extend the session
// beyond Config.Lifetime, or beyond the deadline that Persist has set. It returns
// ErrEnded under the same conditions as [Session.Check], ErrUnavailable,
// ErrOutcomeUnknown, ErrUnreadable or ErrTooLarge. The values that the request sees do
// not change; ExpiresAt and LastSeenAt do.
func (s *Session) Touch(ctx context.Context) error { return s.transaction().Touch(ctx) }

// Check reports whether the session is still alive. It takes one storage trip and returns
// nil if the session is alive. For a long-lived connection, [Session.Watch] is better. It
// returns ErrEnded if the session was destroyed, revoked or renewed, has expired, or is not
// stored yet; otherwise ErrUnavailable or ErrUnreadable. It does not count as use of the
// session: call Touch to extend it.
func (s *Session) Check(ctx context.Context) error { return s.transaction().Check(ctx) }

// codec returns the codec of the session's values.
func (s *Session) codec() Codec { return s.m.codec(s.transaction().Format()) }

// isHEAD reports whether the session is that of a HEAD request.
func (s *Session) isHEAD() bool { return s.req.Method() == http.MethodHead }
