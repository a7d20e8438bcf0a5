package session

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Update changes the session of that public ID outside of a request, for example in a
// worker or a websocket's goroutine. It works like [Session.Update] on a Session that has
// no request. The program must know that the public ID may be used; it must not take one
// from a request unchecked: see [Manager.Revoke]. Update returns ErrEnded if there is no
// such session. A change that needs a response, such as Renew, or another owner of a
// bound session, fails with ErrHeaderSent.
func (m *Manager) Update(ctx context.Context, publicID string, fn func(*Session) error) error {
	m.check()
	if provider.ValidateID(publicID) != nil {
		return ErrEnded
	}
	return m.detached(ctx, publicID, nil).Update(ctx, fn)
}

// detached returns a Session detached from any request, which holds c. If c is nil, the
// content is to be read.
func (m *Manager) detached(ctx context.Context, id string, c *records.Content) *Session {
	s := &Session{m: m, req: noRequest{outsideHTTP{ctx}}}
	tx := new(txn.Txn)
	tx.BeginDetached(&m.engine, s.req, id, c)
	s.tx.Store(tx)
	return s
}

// noRequest is the request of a Session that has none: no cookie can be sent.
type noRequest struct{ outsideHTTP }

func (noRequest) HeaderSent() bool                          { return true }
func (noRequest) SetToken(string, time.Duration, time.Time) {}
func (noRequest) ClearToken()                               {}
func (noRequest) HasToken() bool                            { return false }
func (noRequest) opens(string)                              {}
func (noRequest) token() Token                              { return Token{} }

func (noRequest) Sign(context.Context, []byte, uint64) (string, error) { return "", ErrHeaderSent }

// outsideHTTP is the part of request that is the same for each Session outside of a
// Handler.
type outsideHTTP struct{ ctx context.Context }

func (o outsideHTTP) Context() context.Context { return o.ctx }

func (outsideHTTP) Method() string     { return "" }
func (outsideHTTP) ClearOthers()       {}
func (outsideHTTP) NoteDestroy()       {}
func (outsideHTTP) Passive() bool      { return false }
func (outsideHTTP) RunsAgain() bool    { return false }
func (outsideHTTP) DropReason() string { return "" }

func (outsideHTTP) OffersBinding() bool   { return false }
func (outsideHTTP) boundTokens() []string { return nil }
func (outsideHTTP) skipsProof() string    { return "" }

func (outsideHTTP) mayUseCopy(string) (commits int64, ok bool) { return 0, false }
