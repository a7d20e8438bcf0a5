package redis

import (
	"context"
	"net"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// A subscription is a connection that listens. A PubSub of go-redis replaces a broken
// connection silently, and messages in between are missed. So it gets a client that can
// dial only once.
type subscription struct {
	client *goredis.Client
	pubsub *goredis.PubSub
	signs  chan struct{} // full: something has arrived

	mu     sync.Mutex
	dialed bool
	closed bool
	conn   net.Conn
}

// newSubscription does no I/O.
func newSubscription(options *goredis.Options) *subscription {
	s := &subscription{signs: make(chan struct{}, 1)}
	o := *options
	dial := o.Dialer
	if dial == nil {
		dial = goredis.NewDialer(&o)
	}
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return s.dialOnce(ctx, network, addr, dial)
	}
	o.MinIdleConns = 0
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.ClientSideCache, o.ClientSideCacheConfig = nil, nil
	for _, timeout := range []*time.Duration{&o.ReadTimeout, &o.WriteTimeout} {
		if *timeout <= 0 {
			*timeout = ioTimeout
		}
	}
	s.client = goredis.NewClient(&o)
	s.pubsub = s.client.Subscribe(context.Background())
	return s
}

func (s *subscription) dialOnce(ctx context.Context, network, addr string, dial func(context.Context, string, string) (net.Conn, error)) (net.Conn, error) {
	s.mu.Lock()
	again := s.dialed || s.closed
	s.dialed = true
	s.mu.Unlock()
	if again {
		return nil, net.ErrClosed
	}
	conn, err := dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	s.conn = conn
	return conn, nil
}

// close closes the connection, which ends all calls.
func (s *subscription) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// end releases everything. Nothing else may run.
func (s *subscription) end() {
	s.close()
	_ = s.pubsub.Close()
	_ = s.client.Close()
}

// begin connects and sends the command.
func (s *subscription) begin(ctx context.Context, sharded bool, channel string) error {
	if sharded {
		return s.pubsub.SSubscribe(ctx, channel)
	}
	return s.pubsub.Subscribe(ctx, channel)
}

func (s *subscription) ping(ctx context.Context) error { return s.pubsub.Ping(ctx) }

// receive calls deliver with each message until the connection is lost.
func (s *subscription) receive(ctx context.Context, begin func(), deliver func([]byte)) error {
	begun := false
	for {
		reply, err := s.pubsub.Receive(ctx)
		if err != nil {
			return err
		}
		select {
		case s.signs <- struct{}{}:
		default:
		}
		switch reply := reply.(type) {
		case *goredis.Message:
			deliver([]byte(reply.Payload))
		case *goredis.Subscription:
			if begun { // the second one is the end of it
				return errUnsubscribed
			}
			begun = true
			begin()
		}
	}
}
