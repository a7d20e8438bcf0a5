package redis_test

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/redis"
)

// With a server that does not answer, a call ends with its context, whatever the
// client itself makes of that. Those here would wait for an hour.
func TestContextEndsCallInFlight(t *testing.T) {
	for name, options := range map[string]goredis.Options{
		"as go-redis has it":                      {},
		"ContextTimeoutEnabled":                   {ContextTimeoutEnabled: true},
		"without timeouts":                        {ReadTimeout: -1, WriteTimeout: -1},
		"ContextTimeoutEnabled, without timeouts": {ContextTimeoutEnabled: true, ReadTimeout: -1, WriteTimeout: -1},
		"ContextTimeoutEnabled, no deadlines":     {ContextTimeoutEnabled: true, ReadTimeout: -2, WriteTimeout: -2},
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range calls {
				t.Run(c.name, func(t *testing.T) {
					for _, e := range ends {
						t.Run(e.name, func(t *testing.T) { endsInFlight(t, c, options, e) })
					}
				})
			}
		})
	}
}

// An end is how a context comes to its own while a call is in flight.
type end struct {
	name string
	want error
	// begin returns the context, and what is done when the call has been sent.
	begin func(context.Context) (ctx context.Context, sent func())
}

var ends = []end{
	{"cancelled", context.Canceled, func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel
	}},
	{"out of time", context.DeadlineExceeded, func(ctx context.Context) (context.Context, func()) {
		return shortly(ctx), func() {}
	}},
	{"can only run out of time", context.DeadlineExceeded, func(ctx context.Context) (context.Context, func()) {
		return timed{shortly(context.WithoutCancel(ctx))}, func() {}
	}},
	{"cancelled, derived from one that can only run out of time", context.Canceled, func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancel(timed{context.WithoutCancel(ctx)})
		return ctx, cancel
	}},
}

// timed is a context as package session's are.
type timed struct{ context.Context }

func (timed) OnlyTimesOut() bool { return true }

// shortly returns a context that ends before long.
func shortly(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// endsInFlight makes a call on a frozen server, and wants it to end as its context
// does.
func endsInFlight(t *testing.T, c call, options goredis.Options, e end) {
	server := testserver.Redis(t)
	var w wire
	options.Addr, options.Dialer = server.Addr, w.dial
	if options.ReadTimeout == 0 {
		options.ReadTimeout, options.WriteTimeout = time.Hour, time.Hour
	}
	p := redis.New(newClient(t, options))
	rec := stored(t, p)
	goroutines := runtime.NumGoroutine()
	server.Freeze()
	ctx, sent := e.begin(t.Context())
	defer sent()
	w.onWrite.Store(&sent)

	err := within(t, func() error { return c.do(ctx, p, rec) })
	if !errors.Is(err, e.want) || !strings.HasPrefix(err.Error(), "redis: ") {
		t.Errorf("got error %v, want %q of this package", err, e.want)
	}

	// What was sent may be done nevertheless, so this is no conflict. And what
	// waited for the reply ends with it.
	server.Thaw()
	eventually(t, "the goroutine has ended", func() bool { return runtime.NumGoroutine() <= goroutines })
	if err := p.Save(t.Context(), record(), 0); err != nil {
		t.Errorf("Save afterwards: %v", err)
	}
}

// A call that waits for something else than a reply ends with its context as well.
func TestContextEndsWait(t *testing.T) {
	for name, options := range map[string]goredis.Options{
		"for a connection of the pool": {PoolSize: 1, PoolTimeout: time.Hour},
		"for a new connection":         {PoolSize: 2},
	} {
		t.Run(name, func(t *testing.T) {
			server := testserver.Redis(t)
			options.Addr, options.ContextTimeoutEnabled = server.Addr, true
			p := redis.New(newClient(t, options))
			rec := stored(t, p)
			server.Freeze()
			defer server.Thaw()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			first := make(chan error)
			go func() { first <- p.Delete(ctx, "keeps the connection") }()
			for range 2 {
				err := within(t, func() error { return calls[0].do(timed{shortly(context.WithoutCancel(ctx))}, p, rec) })
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
				}
			}
			cancel()
			<-first
		})
	}
}

// A goroutine takes as long as a server nearby: there is none where the client does
// without.
func TestCallNeedsNoGoroutine(t *testing.T) {
	var w wire
	p := redis.New(newClient(t, goredis.Options{Addr: testserver.SharedRedis(t), Dialer: w.dial, ContextTimeoutEnabled: true}))
	rec := stored(t, p)
	var stack atomic.Value
	sent := func() { stack.Store(string(debug.Stack())) }
	w.onWrite.Store(&sent)
	for _, c := range calls {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		_ = c.do(timed{ctx}, p, rec)
		cancel()
		if !strings.Contains(stack.Load().(string), "testing.tRunner(") {
			t.Errorf("%s: the command is sent by another goroutine", c.name)
		}
	}
}

// within fails the test if f does not return at all.
func within(t *testing.T, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatal("it does not return")
		return nil
	}
}

// A Save that was given up does not look at the record any more: the race detector
// would see it.
func TestContextEndsUseOfRecord(t *testing.T) {
	server := testserver.Redis(t)
	p := open(t, server.URL)
	rec := stored(t, p)
	server.Freeze()
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if err := within(t, func() error { return p.Save(ctx, rec, -1) }); !errors.Is(err, context.Canceled) {
			t.Fatalf("got error %v, want %v", err, context.Canceled)
		}
		clear(rec.Data)
		rec.Version++
		rec.ID, rec.Format = rec.ID+"x", "changed"
	}
	server.Thaw()
}
