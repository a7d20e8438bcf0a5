package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var (
	errNotFound = fmt.Errorf("etcd: %w", provider.ErrNotFound)
	errForeign  = outcome.Refused(fmt.Errorf("etcd: %w: the key holds a value that is not of this package; give each program its own Prefix", provider.ErrUnreadable))
)

// explainWrite is explain for a transaction that changes something. It marks the error if
// the transaction has certainly changed nothing.
func (p *Provider) explainWrite(ctx context.Context, err error, sent bool) error {
	switch explained := p.explain(ctx, err); {
	case refused(err):
		return outcome.Refused(explained)
	case sent:
		return explained
	case ended(ctx, err) != nil: // no time is left for another attempt
		return outcome.Refused(explained)
	default:
		return outcome.NotSaved(explained)
	}
}

// refused reports whether etcd has refused a transaction before it took effect. Errors of
// the code Unavailable and those without a text of etcd's own may come from a server that
// goes on with the transaction, or from a proxy.
func refused(err error) bool {
	if isTooLarge(err) {
		return true
	}
	answer, ok := errors.AsType[rpctypes.EtcdError](err)
	return ok && (answer == rpctypes.ErrCorrupt || slices.Contains(refusals, answer.Code()))
}

var refusals = []codes.Code{
	codes.InvalidArgument, codes.FailedPrecondition, codes.PermissionDenied, codes.Unauthenticated, codes.ResourceExhausted,
}

// isTooLarge reports whether the request is larger than etcd or gRPC allows. For a
// request that gRPC refuses, there is no error of etcd's own.
func isTooLarge(err error) bool {
	if errors.Is(err, rpctypes.ErrRequestTooLarge) {
		return true
	}
	return status.Code(err) == codes.ResourceExhausted && strings.Contains(err.Error(), "larger than max")
}

// explain converts err, from a call with ctx, into an error for the caller that suggests
// what to do about it. The texts of etcd and gRPC contain no key and no value.
func (p *Provider) explain(ctx context.Context, err error) error {
	if over := ended(ctx, err); over != nil && !errors.Is(err, over) {
		return fmt.Errorf("etcd: %w: %w", over, err)
	}
	switch {
	case isTooLarge(err):
		return fmt.Errorf("etcd: %w: the server's max-request-bytes (1.5 MiB by default) or the client's MaxCallSendMsgSize is exceeded: %w", provider.ErrTooLarge, err)
	case errors.Is(err, rpctypes.ErrNoSpace):
		return fmt.Errorf("etcd: %w: set auto-compaction of the server, then compact, defragment and disarm the NOSPACE alarm, or raise quota-backend-bytes: %w", provider.ErrFull, err)
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return fmt.Errorf("etcd: the user's role needs readwrite permission for the prefix %q (etcdctl role grant-permission ROLE --prefix=true readwrite %q): %w", p.prefix, p.prefix, err)
	case errors.Is(err, rpctypes.ErrAuthFailed):
		return fmt.Errorf("etcd: the user or the password is wrong: %w", err)
	case errors.Is(err, rpctypes.ErrUserEmpty):
		return fmt.Errorf("etcd: the server requires a user and a password, or a certificate of the client: %w", err)
	case errors.Is(err, rpctypes.ErrCorrupt):
		return fmt.Errorf("etcd: a member of the cluster has raised the CORRUPT alarm; see etcd's documentation on data corruption: %w", err)
	}
	return fmt.Errorf("etcd: %w", err)
}

// ended returns the context's error if err is due to the end of the context. The server
// has the deadline of a call, too. Its answer may arrive before the client's timer has
// fired: as a timeout of etcd's own, or with the code Unknown and the context's text.
func ended(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil {
		return over
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	text := rpctypes.ErrorDesc(err)
	for _, over := range []error{context.DeadlineExceeded, context.Canceled} {
		if strings.HasSuffix(text, over.Error()) {
			return over
		}
	}
	return nil
}
