package identity

import (
	"context"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// remembering is the storage of the protocol, which also remembers the sessions.
type remembering struct {
	*storage.Storage
	p *Provider
}

// SetUserinfoFromRequest implements op.CanSetUserinfoFromRequest. It adds the claim sid to
// an ID token. Each login is a session, since this provider asks for the password each time.
func (s remembering) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	if login, ok := request.(op.AuthRequest); ok {
		info.AppendClaims("sid", login.GetID())
		s.p.mu.Lock()
		s.p.sessions = append(s.p.sessions, Session{ID: login.GetID(), Subject: login.GetSubject()})
		s.p.mu.Unlock()
	}
	return s.Storage.SetUserinfoFromRequest(ctx, info, request, scopes)
}
