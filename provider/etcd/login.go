package etcd

import (
	"context"
	"errors"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// login gets the tokens of a user, by which etcd knows who calls. It takes the place of
// the client's own login for two reasons: that one is part of making the client, which
// fails if no server can be reached, and a server that does not know the old token, as
// after a restart, refuses the client's next login with it.
type login struct {
	user, password string

	turn  chan struct{} // full during a login
	token atomic.Value  // string, the latest; none before the first login
}

func newLogin(user, password string) *login {
	return &login{user: user, password: password, turn: make(chan struct{}, 1)}
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (l *login) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, _ := ctx.Value(tokenKey{}).(string)
	if token == "" {
		return nil, nil
	}
	return map[string]string{rpctypes.TokenFieldNameGRPC: token}, nil
}

// tokenKey is the context key of the token that a request is sent with.
type tokenKey struct{}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (l *login) RequireTransportSecurity() bool { return false }

// intercept is a grpc.UnaryClientInterceptor. It makes the call with the latest token. If
// the server does not accept that, it has done nothing, and the call is made a second
// time with a new one.
func (l *login) intercept(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if method == etcdserverpb.Auth_Authenticate_FullMethodName {
		return call(ctx, method, req, reply, cc, opts...)
	}
	token := l.latest()
	err := call(context.WithValue(ctx, tokenKey{}, token), method, req, reply, cc, opts...)
	if !wantsLogin(err) {
		return err
	}
	if token, err = l.after(ctx, token, cc); err != nil {
		return err
	}
	return call(context.WithValue(ctx, tokenKey{}, token), method, req, reply, cc, opts...)
}

// interceptStream is a grpc.StreamClientInterceptor. It makes the call with the latest
// token.
func (l *login) interceptStream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return stream(context.WithValue(ctx, tokenKey{}, l.latest()), desc, cc, method, opts...)
}

func wantsLogin(err error) bool {
	err = rpctypes.Error(err)
	return errors.Is(err, rpctypes.ErrUserEmpty) || errors.Is(err, rpctypes.ErrInvalidAuthToken) || errors.Is(err, rpctypes.ErrAuthOldRevision)
}

func (l *login) latest() string {
	token, _ := l.token.Load().(string)
	return token
}

// after returns a later token than refused. Unless another call has got one meanwhile, it
// logs in.
func (l *login) after(ctx context.Context, refused string, cc *grpc.ClientConn) (string, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return "", status.FromContextError(ctx.Err()).Err()
	}
	if token := l.latest(); token != refused {
		return token, nil
	}
	resp, err := etcdserverpb.NewAuthClient(cc).Authenticate(ctx, &etcdserverpb.AuthenticateRequest{Name: l.user, Password: l.password})
	if err != nil {
		return "", err
	}
	l.token.Store(resp.Token)
	return resp.Token, nil
}
