package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

var (
	errNotFound = fmt.Errorf("redis: %w", provider.ErrNotFound)
	errTooLarge = fmt.Errorf("redis: %w: a value has %d MiB at most", provider.ErrTooLarge, maxValueSize>>20)
	errForeign  = errors.New("redis: the key holds something that is not a record of this package's layout; does another program use the same Prefix?")
	errGivenUp  = fmt.Errorf("redis: the call was given up: %w", context.Canceled)
	errGarbled  = errors.New("redis: the reply cannot be read; is that a Redis server?")
)

func conflictError(current *provider.Record) error {
	return fmt.Errorf("redis: %w", &provider.ConflictError{Current: current})
}

// explained is an error of go-redis with a text of this package.
type explained struct {
	text string
	err  error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.err }

// failure converts err, from a call with ctx, into an error of this package.
func (p *Provider) failure(ctx context.Context, err error) error {
	if reply, ok := errors.AsType[goredis.Error](err); ok {
		return replyError(reply)
	}
	p.lookAround(ctx, err)
	if garbled(err) {
		err = errGarbled
	}
	if over := ended(ctx, err); over != nil && !errors.Is(err, over) {
		err = fmt.Errorf("%w (%w)", over, err)
	}
	return &explained{"redis: " + strings.TrimPrefix(err.Error(), "redis: "), err}
}

// unsent is the error of a change that was not sent.
type unsent struct{ error }

func (u *unsent) Unwrap() error { return u.error }

// changeFailure is failed for a change. It marks the error if the change was certainly
// not made.
func (p *Provider) changeFailure(ctx context.Context, key string, err error) error {
	failed := p.failed(ctx, key, err)
	_, kept := errors.AsType[*unsent](err)
	reply, replied := errors.AsType[goredis.Error](err)
	_, waited := errors.AsType[*waitError](err)
	switch {
	case waited: // the change was made
		return failed
	case replied && mayPass(reply):
		return outcome.NotSaved(failed)
	case replied && (kept || known(reply)):
		return outcome.Refused(failed)
	case kept && (ctx.Err() != nil || isAny(err, goredis.ErrPoolTimeout, goredis.ErrPoolExhausted, goredis.ErrClosed)):
		return outcome.Refused(failed)
	case kept:
		return outcome.NotSaved(failed)
	default:
		return failed
	}
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// lookAround makes the client of a cluster update its map of the slots, in the
// background, if the node may be down. Otherwise it would go on calling that node for
// ClusterStateReloadInterval, a minute by default.
func (p *Provider) lookAround(ctx context.Context, err error) {
	_, down := errors.AsType[net.Error](err) // context.DeadlineExceeded is one, too
	cluster, ok := p.client.(interface{ ReloadState(context.Context) })
	if ok && (down || errors.Is(err, io.EOF)) {
		cluster.ReloadState(ctx)
	}
}

// ended returns the error of ctx if that has caused err. A connection may notice a
// deadline before the context does.
func ended(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil {
		return over
	}
	timeout, ok := errors.AsType[net.Error](err)
	deadline, bounded := ctx.Deadline()
	if ok && timeout.Timeout() && bounded && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// garbled reports whether err quotes a reply that go-redis could not parse, which may be
// a part of a record.
func garbled(err error) bool {
	if _, ok := errors.AsType[*strconv.NumError](err); ok {
		return true
	}
	text := err.Error()
	return strings.Contains(text, "redis: can't parse") || strings.Contains(text, "redis: invalid") ||
		strings.Contains(text, "redis: can't read") || strings.Contains(text, "bigInt(")
}

// mayPass reports whether the reply is a refusal that a retry may not get: go-redis
// closes the connection to a server that has become a replica, and looks up the slot
// again.
func mayPass(reply goredis.Error) bool {
	return slices.Contains([]string{"READONLY", "TRYAGAIN"}, firstWord(reply))
}

// known reports whether Redis itself uses this reply to refuse a command before it runs.
// Other replies may come from a proxy that has passed the command on.
func known(reply goredis.Error) bool {
	code := firstWord(reply)
	if code == "ERR" {
		_, ok := meaningOfERR(reply)
		return ok
	}
	return meanings[code] != "" || slices.Contains([]string{"OOM", "WRONGTYPE", "NOSCRIPT"}, code)
}

func firstWord(reply goredis.Error) string {
	code, _, _ := strings.Cut(reply.Error(), " ")
	return code
}

func meaningOfERR(reply goredis.Error) (meaning string, ok bool) {
	for quote, meaning := range meaningsOfERR {
		if strings.Contains(reply.Error(), quote) {
			return meaning, true
		}
	}
	return "", false
}

// replyError quotes only the first word of the server's own text. Servers quote the
// arguments of an unknown command, including keys and passwords.
func replyError(reply goredis.Error) error {
	code := firstWord(reply)
	switch code {
	case "OOM":
		return errFull
	case "WRONGTYPE":
		return errForeign
	case "ERR":
		if meaning, ok := meaningOfERR(reply); ok {
			return errors.New("redis: the server replies ERR: " + meaning)
		}
		return errors.New("redis: the server replies ERR")
	}
	if meaning, ok := meanings[code]; ok {
		return errors.New("redis: the server replies " + code + ": " + meaning)
	}
	return errors.New("redis: the server refuses the command")
}

var errFull = fmt.Errorf("redis: %w: its maxmemory is reached (OOM)", provider.ErrFull)

const rules = "the documentation of provider/redis has the ACL rules that are needed"

var meanings = map[string]string{
	"ASK":         "the key is in another node; a cluster wants a ClusterClient",
	"BUSY":        "it is busy with a script",
	"CLUSTERDOWN": "the cluster does not serve the key's slot",
	"DENIED":      "it runs in protected mode",
	"LOADING":     "it has just started and still loads its data",
	"MASTERDOWN":  "it is a replica that has lost its primary",
	"MISCONF":     "it cannot save to disk and therefore takes no writes",
	"MOVED":       "the key is in another node; a cluster wants a ClusterClient",
	"NOAUTH":      "it wants a password",
	"NOPERM":      "the user may not run a command or access a key; " + rules,
	"NOREPLICAS":  "it has too few replicas to take writes (min-replicas-to-write)",
	"READONLY":    "it is a replica",
	"TRYAGAIN":    "the key's slot is being moved",
	"WRONGPASS":   "the user or password is wrong, or the user is disabled",
}

// meaningsOfERR maps a text that identifies an ERR reply to its meaning.
var meaningsOfERR = map[string]string{
	"user executing the script": "the user may not run a command; " + rules,
	"unknown command":           "it does not know a command; provider/redis needs Redis 6.2 or later, or Valkey",
	"max number of clients":     "it has reached its limit of clients (maxclients)",
	"DB index":                  "there is no database of that number",
	"cluster support":           "it is not a node of a cluster; use a Client",
	"SELECT is not allowed":     "a cluster has the database 0 only",
}
