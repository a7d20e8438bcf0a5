package session

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
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
	return m.detached(ctx, publicID, nil).Update(ctx, fn)
}

// detached returns a Session detached from any request, which holds c, nil for one that is
// to be read.
func (m *Manager) detached(ctx context.Context, id string, c *records.Content) *Session {
	s := &Session{m: m, req: noRequest{ctx}}
	s.tx.BeginDetached(&m.engine, s.req, id, c)
	return s
}

// noRequest is the request of a Session that is in none: it is too late for a cookie.
type noRequest struct{ ctx context.Context }

func (r noRequest) Context() context.Context { return r.ctx }

func (noRequest) Method() string                               { return "" }
func (noRequest) Sign(context.Context, []byte) (string, error) { return "", ErrHeaderSent }
func (noRequest) HeaderSent() bool                             { return true }
func (noRequest) SetCookie(string, time.Duration)              {}
func (noRequest) ClearCookie()                                 {}
func (noRequest) ClearOthers()                                 {}
func (noRequest) HasCookie() bool                              { return false }
func (noRequest) Passive() bool                                { return false }
func (noRequest) RunsAgain() bool                              { return false }
func (noRequest) DropReason() string                           { return "" }
