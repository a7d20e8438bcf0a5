package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/holdfast-go/holdfast/provider/internal/listening"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

// A Listen asks its member for a sign every pingEvery. If nothing arrives within
// pingTimeout after that, the connection counts as lost.
const (
	pingEvery   = 5 * time.Second
	pingTimeout = 5 * time.Second
)

var (
	errSilent   = errors.New("the member does not answer; the connection is given up")
	errCanceled = errors.New("the member has ended the watch")
)

// Listen implements provider.Broadcaster, by a watch over the client's connection. It finds
// a member that has vanished within 10 seconds, and ends when its member has lost the
// others. It ends if 1,024 messages wait for heard and another one arrives.
func (p *Provider) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return listening.Listen(ctx, "etcd", ready, heard, func(ctx context.Context, begin func(), deliver func([]byte)) error {
		return p.explain(ctx, p.receive(ctx, begin, deliver))
	})
}

// receive listens until the connection is lost, and never returns nil. It does not use the
// client's Watch, which connects to another member silently and may take any time for it.
func (p *Provider) receive(ctx context.Context, begin func(), deliver func([]byte)) error {
	// A unary call gets a token for a user; a watch cannot.
	if _, err := p.kv().Get(ctx, p.broadcastKey(), clientv3.WithCountOnly()); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w, err := p.startWatch(ctx)
	if err != nil {
		return err
	}
	pinged := make(chan struct{})
	go func() {
		defer close(pinged)
		if err := p.ping(ctx, w); err != nil {
			stop(err)
		}
	}()
	err = w.receive(begin, deliver)
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, errSilent) {
		err = cause
	}
	stop(nil)
	<-pinged
	return err
}

// A watch is a stream of changes of the key.
type watch struct {
	stream etcdserverpb.Watch_WatchClient
	signs  chan struct{} // full: something has arrived
}

// startWatch begins a watch. Its stream is bound to one connection, and ends with it. The
// server ends it, too, when its member has no leader.
func (p *Provider) startWatch(ctx context.Context) (*watch, error) {
	remote := etcdserverpb.NewWatchClient(p.client.ActiveConnection())
	stream, err := remote.Watch(clientv3.WithRequireLeader(ctx), grpc.WaitForReady(false))
	if err != nil {
		return nil, rpctypes.Error(err)
	}
	create := &etcdserverpb.WatchCreateRequest{
		Key:     []byte(p.broadcastKey()),
		Filters: []etcdserverpb.WatchCreateRequest_FilterType{etcdserverpb.WatchCreateRequest_NODELETE},
	}
	err = stream.Send(&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CreateRequest{CreateRequest: create}})
	return &watch{stream, make(chan struct{}, 1)}, rpctypes.Error(err)
}

// receive calls deliver with each message until the stream ends.
func (w *watch) receive(begin func(), deliver func([]byte)) error {
	for {
		resp, err := w.stream.Recv()
		if err != nil {
			return rpctypes.Error(err)
		}
		select {
		case w.signs <- struct{}{}:
		default:
		}
		switch {
		case resp.Canceled:
			return canceled(resp.CancelReason)
		case resp.Created:
			begin()
		}
		for _, event := range resp.Events {
			if message, ok := strings.CutPrefix(string(event.Kv.Value), messagePrefix); ok {
				deliver([]byte(message))
			}
		}
	}
}

// canceled returns the error of a watch that etcd has ended.
func canceled(reason string) error {
	if strings.Contains(reason, rpctypes.ErrorDesc(rpctypes.ErrPermissionDenied)) {
		return rpctypes.ErrPermissionDenied
	}
	return fmt.Errorf("%w: %s", errCanceled, reason)
}

// ping asks for signs until ctx ends, and returns an error if none comes.
func (p *Provider) ping(ctx context.Context, w *watch) error {
	for sleep.For(ctx, p.pingEvery) == nil {
		select {
		case <-w.signs: // of the time before
		default:
		}
		err := w.stream.Send(&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_ProgressRequest{ProgressRequest: new(etcdserverpb.WatchProgressRequest)}})
		if err != nil {
			return nil // Recv has the reason
		}
		select {
		case <-w.signs:
		case <-time.After(p.pingTimeout):
			return errSilent
		case <-ctx.Done():
		}
	}
	return nil
}
