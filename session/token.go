package session

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Token is the signed token of a session. The visitor holds it in a cookie or sends it in
// a header (Config.Header). Whoever has it has the session, so it must not be logged, or
// put into a URL or a page.
type Token struct {
	// Value is what the visitor is to send with the next request. It is "" if the visitor
	// has no session that is stored, or is to forget the token of one that has ended.
	Value string

	// MaxAge is how long a browser is to keep the token, if Changed. Zero means until the
	// browser session ends.
	MaxAge time.Duration

	// Changed reports whether a commit has given the visitor a token, or has ended the
	// session whose token the visitor holds. If so, the response has to tell the visitor.
	Changed bool
}

// String returns a text without the Value, so that a Token that is printed or logged opens
// no session.
func (t Token) String() string {
	switch {
	case t.Value == "" && t.Changed:
		return "session token (to be forgotten)"
	case t.Value == "":
		return "session token (none)"
	case t.Changed:
		return "session token (new)"
	}
	return "session token (unchanged)"
}

// GoString implements fmt.GoStringer as String.
func (t Token) GoString() string { return t.String() }

// LogValue implements slog.LogValuer as String.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Token returns the token that the visitor is to hold as of the last commit. Call it
// after Save, for example to answer a login with JSON: see Config.Header. In a request
// that Handler, HandlerFunc or Replay serves, the Manager itself sends a token that has
// changed. With Config.RotateInterval, the new token of a session that the request has not
// begun itself counts for 30 seconds after the commit: by then the visitor may have a newer
// one, and Token returns the one that the request came with, unchanged.
func (s *Session) Token() Token {
	s.transaction()
	return s.req.token()
}

// Signed reports whether the token is signed with a key of this Manager for its cookie,
// whether or not its session is alive. [Manager.Open] treats a forged token like one whose
// session has ended; an adapter for a library that reports a forged one asks Signed. It
// takes no storage trip, except to read the ring of keys (see Config.SigningKeys); the
// error is ErrUnavailable if the ring cannot be read.
func (m *Manager) Signed(ctx context.Context, token string) (bool, error) {
	m.check()
	found, err := m.verify(ctx, []string{token})
	return len(found) > 0, err
}

// Cookie returns the cookie for a token with the attributes of Config.Cookie. For a token
// without a Value it is the cookie that makes the browser delete its own. Send it only if
// t.Changed: a Token that has not changed has no MaxAge, so that its cookie would end with
// the browser session.
func (m *Manager) Cookie(t Token) *http.Cookie {
	m.check()
	return m.cfg.Cookie.of(t)
}

// issuer holds the token that the commits of a request give the visitor. It implements a
// part of request.
type issuer struct {
	m      *Manager
	opened string                      // the token that has opened the session; "": it is a new one
	issued atomic.Pointer[issuedToken] // nil: the visitor keeps what was sent
}

// issuedToken is a token that a commit gives the visitor.
type issuedToken struct {
	Token
	until time.Time // when it is too old to be sent; zero: never
}

func (i *issuer) opens(value string) { i.opened = value }

// toSend returns the token that the response has to send, or nil.
func (i *issuer) toSend() *Token {
	t := i.issued.Load()
	if t == nil || !t.until.IsZero() && time.Now().After(t.until) {
		return nil
	}
	return &t.Token
}

func (i *issuer) token() Token {
	if t := i.toSend(); t != nil {
		return *t
	}
	return Token{Value: strings.Clone(i.opened)} // it may be a part of a header of up to 1 MB
}

func (i *issuer) Sign(ctx context.Context, token []byte, index uint64) (string, error) {
	return i.m.signer.Sign(ctx, token, index)
}

func (i *issuer) SetToken(value string, persist time.Duration, until time.Time) {
	age := i.m.cfg.Cookie.MaxAge
	if persist != 0 {
		age = persist
	}
	i.issued.Store(&issuedToken{Token{Value: value, MaxAge: age, Changed: true}, until})
}

func (i *issuer) ClearToken() { i.issued.Store(&issuedToken{Token: Token{Changed: true}}) }
