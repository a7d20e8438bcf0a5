package scsholdfast

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// Status is the state of a session within a request.
type Status int

const (
	// Unmodified: the request has not changed the session.
	Unmodified Status = iota

	// Modified: the request has changed the session. A stored session that has an idle
	// timeout is Modified as soon as it is loaded, since its use extends it.
	Modified

	// Destroyed: the request has called Destroy, and has changed nothing since.
	Destroyed
)

// contextKey is the context key of the data of a SessionManager.
type contextKey struct{ s *SessionManager }

// data is a session as one request uses it.
type data struct {
	core    *core
	session *session.Session // nil: the data was listed by Iterate
	values  values           // nil: the session has not been loaded
	opened  bool             // by Load, so that the caller commits

	imported bool        // from a store of scs, in this request
	resend   atomic.Bool // the cookie has other attributes than the visitor's
	failed   atomic.Bool // the session could not be saved

	mu       sync.Mutex
	status   Status
	deadline time.Time
	outdated string            // the token that RenewToken has made outdated
	entries  map[string]*entry // by key
	replay   savepoint
}

// savepoint is the state of a data before the first run of Replay's handler.
type savepoint struct {
	status   Status
	deadline time.Time
	outdated string
	resend   bool
	runs     int
}

// savepoint records the state that rewind restores.
func (d *data) savepoint() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saveInPlace()
	d.replay = savepoint{d.status, d.deadline, d.outdated, d.resend.Load(), 0}
}

// rewind undoes what an earlier run of the handler has done. The Manager undoes the
// changes of the session itself.
func (d *data) rewind() {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := &d.replay
	if p.runs++; p.runs == 1 {
		return
	}
	d.status, d.deadline, d.outdated = p.status, p.deadline, p.outdated
	d.resend.Store(p.resend)
	clear(d.entries)
}

// find returns the data of the session in ctx, or nil.
func (c *core) find(ctx context.Context) *data {
	d, _ := ctx.Value(c.key).(*data)
	if d == nil || d.values == nil {
		return nil
	}
	return d
}

// data returns the data of the session in ctx. It panics if there is none.
func (s *SessionManager) data(ctx context.Context) *data {
	d, _ := ctx.Value(contextKey{s}).(*data)
	if d == nil || d.values == nil {
		panic("scsholdfast: no session data in context; wrap the handler in LoadAndSave and use the request's context, or use the context that Load has returned")
	}
	return d
}

// Load returns a context with the session that the token stands for. If the token stands
// for no session that is alive, the session is a new, empty one. If ctx has a session of
// s already, Load returns ctx. The error is session.ErrUnavailable or
// session.ErrUnreadable, or that of an import.
//
// Changes of such a session are saved by Commit alone, except Destroy, which takes effect
// at once. Most programs use LoadAndSave instead.
func (s *SessionManager) Load(ctx context.Context, token string) (context.Context, error) {
	if d, _ := ctx.Value(contextKey{s}).(*data); d != nil {
		return ctx, nil
	}
	c, err := s.core()
	if err != nil {
		return nil, err
	}
	d := &data{core: c, opened: true}
	if c.importer != nil && isOldToken(token) {
		successor, err := c.importer.run(ctx, token)
		if err != nil {
			return nil, err
		}
		token, d.imported = successor, successor != ""
	}
	sess, err := c.manager.Open(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := d.begin(ctx, sess); err != nil {
		return nil, err
	}
	return context.WithValue(ctx, c.key, d), nil
}

// begin makes d the data of a session that was just loaded.
func (d *data) begin(ctx context.Context, sess *session.Session) error {
	d.session, d.values = sess, &requestValues{sess, d.core}
	if sess.IsNew() {
		d.deadline = d.core.newDeadline()
		return nil
	}
	own, ok := deadlineOf(deadlineKey.Get(sess))
	switch {
	case !ok:
		d.deadline = sess.CreatedAt().Add(d.core.lifetime)
	case time.Now().Before(own):
		d.deadline = own
	default: // SetDeadline has set an earlier one than that of the record
		d.deadline = d.core.newDeadline()
		sess.Destroy()
		_, err := sess.Commit(ctx)
		return err
	}
	if d.core.idleTimeout > 0 || d.imported {
		d.status = Modified
	}
	return nil
}

// newDeadline returns the deadline of a session that begins now.
func (c *core) newDeadline() time.Time { return time.Now().Add(c.lifetime).UTC() }

// Commit saves the changes that were made so far, and returns the token of the session
// and when it expires. If there is nothing to store, as in a new session without values,
// the token is "" and the time is zero. After an error the token and the time are zero,
// too, and the changes have to be made again, in a context of a further Load: see the
// errors of [session.Session.Save]. If the answer to an earlier change is lost, the error
// is session.ErrOutcomeUnknown.
//
// In a handler of LoadAndSave, Commit is for a handler that has to know whether the
// changes were saved; the cookie is sent by LoadAndSave.
func (s *SessionManager) Commit(ctx context.Context) (token string, expiry time.Time, err error) {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saveInPlace()
	token, err = d.values.commit(ctx)
	if err != nil || token == "" {
		return "", time.Time{}, err
	}
	return token, d.expiry(), nil
}

// expiry returns when the session ends unless it is used before.
func (d *data) expiry() time.Time {
	if d.core.idleTimeout > 0 {
		if idle := time.Now().Add(d.core.idleTimeout).UTC(); idle.Before(d.deadline) {
			return idle
		}
	}
	return d.deadline
}

// Session returns the [session.Session] itself, for what scs does not have, such as
// [session.Session.SetOwner] and a [session.Key] with its Update:
//
//	var visits = session.NewKey[int]("visits") // the values of Put(ctx, "visits", n)
//
//	n := visits.Update(sessions.Session(ctx), func(n int) int { return n + 1 })
//
// It panics in a context of Iterate.
func (s *SessionManager) Session(ctx context.Context) *session.Session {
	d := s.data(ctx)
	if d.session == nil {
		panic("scsholdfast: a context of Iterate has no session.Session; use the methods of SessionManager")
	}
	return d.session
}

// Status returns the state of the session within the request.
func (s *SessionManager) Status(ctx context.Context) Status {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status
}

// Token returns the token of the session as of the last commit. It is "" in a session
// that is not stored yet, and after RenewToken and Destroy until the next commit. Whoever
// has the token has the session. In a context of Iterate it is "", because the store
// holds no tokens; scs returns the token there.
func (s *SessionManager) Token(ctx context.Context) string {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil {
		return ""
	}
	if token := d.session.Token().Value; token != d.outdated {
		return token
	}
	return ""
}

// RenewToken gives the session a new token at the next commit, keeps its values, and sets
// its deadline to Lifetime from now. Call it before every change of privilege, such as a
// login: an attacker who knows the old token is anonymous afterwards.
//
// Unlike in scs, the old token is valid until the response begins, and Token is "" until
// then. So the new token, the values of the login and the end of the old token are saved
// together or not at all. The error is always nil, except in a context of Iterate: a
// session without its visitor cannot be renewed.
func (s *SessionManager) RenewToken(ctx context.Context) error {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session == nil {
		return errNotInIterate
	}
	stored := !d.session.IsNew()
	d.session.Renew()
	d.deadline = d.core.newDeadline()
	if stored {
		d.values.setDeadline(d.deadline)
	}
	d.status, d.outdated = Modified, d.session.Token().Value
	return nil
}

var errNotInIterate = errors.New("scsholdfast: RenewToken in a context of Iterate: the visitor could not be given the new token; use Destroy to end the session")

// Destroy ends the session at once, and makes LoadAndSave delete the cookie. Values that
// are put later begin a new session. No parallel request can save to the old session any
// more: that fails with session.ErrEnded.
func (s *SessionManager) Destroy(ctx context.Context) error {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.values.destroy(ctx); err != nil {
		return err
	}
	clear(d.entries)
	d.status, d.deadline = Destroyed, d.core.newDeadline()
	return nil
}
