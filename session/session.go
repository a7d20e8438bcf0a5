package session

import (
	"context"
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Session is one visitor's session, as one request sees it: what was stored
// when it was loaded, with the request's own changes on top. The methods and
// those of [Key] only change memory; what they ask for is committed when the
// response begins or the handler returns, or by Save and Update.
//
// A Session is safe for concurrent use. After its request Get goes on working, and
// so does Update. Any other change is refused then: it is logged, and the next Save
// or Update returns ErrRequestDone, as it does if changes were dropped when the request
// ended.
type Session struct {
	m   *Manager
	req request
	tx  txn.Txn
}

// request is what a Session needs of the request that it belongs to.
type request interface {
	txn.Request
	Method() string
}

// transaction returns the transaction of a Session that a Manager has made.
func (s *Session) transaction() *txn.Txn {
	if s == nil || s.m == nil {
		s.refuse()
	}
	return &s.tx
}

func (s *Session) refuse() {
	if s == nil {
		panic("session: use of a nil *Session; look at the error that came with it")
	}
	panic("session: use of a Session that no Manager has made; take the one of Load, HandlerFunc or Manager.Sessions")
}

// PublicID returns the public name of the session: the ID of its record, a hash
// of what the cookie holds, which cannot be used to take over the session. It is ""
// until the session is stored, and Renew changes it.
func (s *Session) PublicID() string { return s.transaction().PublicID() }

// IsNew reports whether this request began the session: it came without the
// cookie of a live one, or with those of several: see [Cookie].
func (s *Session) IsNew() bool { return s.transaction().Began() }

// CreatedAt returns when the session began. Renew keeps it.
func (s *Session) CreatedAt() time.Time { return s.transaction().Base().Created }

// LastSeenAt returns when the session was last used: of one that has an owner, give
// or take Config.TouchInterval; of others, when it was last saved. It is zero until
// the session is stored.
func (s *Session) LastSeenAt() time.Time { return s.transaction().Base().Seen }

// ExpiresAt returns when the session, as it was last loaded or saved, will end
// unless it is used before. It is zero until the session is stored.
func (s *Session) ExpiresAt() time.Time { return s.transaction().Base().Expires }

// Keys returns the names of the values, sorted.
func (s *Session) Keys() []string { return s.transaction().Keys() }

// Clear removes every value that there is when it is committed, also one that
// a parallel request adds meanwhile. The session goes on; to log a user out,
// Destroy it.
func (s *Session) Clear() { s.transaction().Clear() }

// Renew gives the session a new ID and the visitor a new cookie, and restarts
// the lifetime. Call it on every change of privilege, such as a login: whoever
// knew the old cookie (session fixation) is anonymous from then on.
//
// Where another request has renewed or ended the session first, Renew begins an empty
// one, so that a login clicked twice works. It is ErrEnded if this request has read
// anything of the session but that it was not there: see the package's text on conflicts.
func (s *Session) Renew() { s.transaction().Renew() }

// Destroy ends the session and clears the visitor's cookie. If the request came with
// the cookies of several sessions that live, it ends them all: see [Cookie]. What is
// set after it begins a new session. If the session is gone already, that is success,
// but what is set after it is ErrEnded if this request has read anything of it. At
// LevelSerializable and LevelStrict a Destroy may conflict like any change: a
// logout of a handler that reads nothing conflicts at LevelStrict only, and
// Replay repeats it.
func (s *Session) Destroy() { s.transaction().Destroy() }

// Persist keeps the session beyond the end of the browser ("remember me"): it
// ends d from now, or when it would have anyway if that is later, at most
// Config.PersistLifetime after it began or was renewed. It may be idle until then,
// or for Config.PersistIdleTimeout. Its cookie gets a Max-Age. A d of zero or less takes
// that back. A session without values is not stored for it.
//
// d counts from the call, not from the last use. To let it slide, call Persist again
// when the user comes back: see the example. Each call that changes something costs a
// save and sets the cookie again.
func (s *Session) Persist(d time.Duration) { s.transaction().Persist(d) }

// Save commits what was changed so far, so that the handler sees the error:
// ErrConflict, ErrEnded, ErrUnavailable, ErrOutcomeUnknown, ErrTooLarge,
// ErrEncode or, for a new session after the response has begun, ErrHeaderSent.
// A response of the handler's own with a status of 400 or more is then sent as
// it is, and commits nothing; any other would be the ErrorHandler's. That ctx ends does not stop the
// save.
//
// It returns nil where there is nothing to save. After the request it returns
// ErrRequestDone if anything was dropped: what Save has not acknowledged was not saved.
func (s *Session) Save(ctx context.Context) error {
	return s.transaction().Commit(ctx, txn.Explicit)
}

// Update loads the newest session, runs fn on it with what the request has
// changed already, and commits, all before it returns. When a parallel request
// is first, what fn did is undone and fn runs again. If fn fails, nothing of it
// is saved and its error returned, which means nothing to the response; an error
// of the commit does what one of Save does. No other goroutine may change the
// session meanwhile, and fn must not call Save or Update of the same Session
// nor write the response, which would wait for it.
//
// It also works after the request, for what needs no cookie. A commit that fails then
// leaves nothing behind, and Update may be called again. But once a change of the
// Session was dropped, Update returns ErrRequestDone and does not run fn: what fn would
// save may rest on that change. Use [Manager.Update] with the session's public ID then.
func (s *Session) Update(ctx context.Context, fn func(*Session) error) error {
	return s.transaction().Run(ctx, func() error { return fn(s) })
}

// Touch extends the session, as a request does that uses it without a change. It is for
// what is no request, such as a message that came over a websocket: call it where the
// user has done something. It works during the request and after it.
//
// It takes one storage trip, and one more where Config.TouchInterval of the idle window
// is used up; then a session with an owner takes one or two for the owner's list, as in a
// request. It does not extend the session beyond Config.Lifetime, or what Persist has
// set. It returns ErrEnded as [Session.Check] does, ErrUnavailable, ErrOutcomeUnknown,
// ErrUnreadable or ErrTooLarge. What the request sees of the session stays as it was, but for ExpiresAt and
// LastSeenAt.
func (s *Session) Touch(ctx context.Context) error { return s.transaction().Touch(ctx) }

// Check tells a long-lived connection, by one storage trip, that its session goes
// on. It returns ErrEnded if the session has been destroyed, revoked or renewed or
// has expired, also one that was not stored yet, and ErrUnavailable or
// ErrUnreadable. It does not count as use of the session: to extend it, Touch it.
func (s *Session) Check(ctx context.Context) error { return s.transaction().Check(ctx) }

// codec returns the codec of the session's values.
func (s *Session) codec() Codec { return s.m.codec(s.transaction().Format()) }

// isHEAD reports whether the session is that of a HEAD request.
func (s *Session) isHEAD() bool { return s.req.Method() == http.MethodHead }
