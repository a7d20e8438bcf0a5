package session

import (
	"context"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Open returns the session that a token stands for, outside of Handler: for frameworks
// with a life cycle of their own, for gRPC, and for workers. "", and a token of no live
// session, give a new, empty session. A program that reads cookies itself passes the
// values of all cookies of the name: as with Handler, the one whose session is alive
// counts. The error is ErrUnavailable or ErrUnreadable.
//
// Changes are committed by [Session.Commit], Save and Update. The rules for conflicts,
// unknown outcomes, renewal and destruction are those of Handler. What Handler does
// besides is left to the caller: to commit before the response begins, but not after a
// panic or for a response of status 500 or more; to send the token, also if the commit has
// failed; to answer an error (StatusCode); to run again after a conflict, with a Session of
// a further Open; to forbid caches to store a response with a token, and to let responses
// vary by Cookie; to clear cookies of other scopes if several came (see [Cookie]). Changes
// that were not committed when the last reference to the Session is gone are lost without
// a log line.
func (m *Manager) Open(ctx context.Context, tokens ...string) (*Session, error) {
	m.check()
	var sent []string
	for _, token := range tokens {
		if token != "" {
			sent = append(sent, token)
		}
	}
	o := &opened{outsideHTTP{context.WithoutCancel(ctx)}, issuer{m: m}, len(sent) > 0}
	own, room := m.newSession(o, len(sent) > 0)
	var events loadEvents
	err := own.begin(ctx, sent, room, &events)
	events.report(ctx, m.engine.Observer)
	if err != nil {
		return nil, err
	}
	return &own.Session, nil
}

// Commit commits the changes made so far, as Save does and with the errors of Save, and
// returns the token that the visitor is to hold from now on. It may be called several
// times; after an error, use a Session of a further Open. The token is valid also beside
// an error: this commit or one before may have changed it, as with a Destroy that was
// followed by values that cannot be stored.
//
// Commit extends the session of [Manager.Open] as a request does that loads it: once, if
// that is due. A Session that is used for longer, such as that of a stream, is extended by
// Touch. A request that does not count as use of the session, and has changed nothing,
// does not call Commit.
func (s *Session) Commit(ctx context.Context) (Token, error) {
	tx, mode := s.transaction(), txn.Explicit
	if _, ok := s.req.(*opened); ok {
		mode = txn.Auto
	}
	err := tx.Commit(ctx, mode)
	return s.Token(), err
}

// opened is the request of a Session of Open.
type opened struct {
	outsideHTTP
	issuer
	hasToken bool
}

var _ request = (*opened)(nil)

// These methods implement txn.Request.

func (o *opened) HasToken() bool { return o.hasToken }
func (*opened) HeaderSent() bool { return false }
