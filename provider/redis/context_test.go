package redis_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
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
		"as go-redis has it":    {},
		"ContextTimeoutEnabled": {ContextTimeoutEnabled: true},
		"without timeouts":      {ReadTimeout: -1, WriteTimeout: -1},
	} {
		t.Run(name, func(t *testing.T) {
			for _, c := range calls {
				t.Run(c.name, func(t *testing.T) {
					t.Run("cancelled", func(t *testing.T) {
						endsInFlight(t, c, options, context.Canceled)
					})
					t.Run("out of time", func(t *testing.T) {
						endsInFlight(t, c, options, context.DeadlineExceeded)
					})
				})
			}
		})
	}
}

// endsInFlight makes a call on a frozen server, the context of which ends with want,
// and wants it to end so too.
func endsInFlight(t *testing.T, c call, options goredis.Options, want error) {
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
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sent := func() { cancel() }
	if want == context.DeadlineExceeded {
		ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		sent = func() {}
	}
	w.onWrite.Store(&sent)

	err := within(t, func() error { return c.do(ctx, p, rec) })
	if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "redis: ") {
		t.Errorf("got error %v, want %q of this package", err, want)
	}

	// What was sent may be done nevertheless, so this is no conflict. And what
	// waited for the reply ends with it.
	server.Thaw()
	eventually(t, "the goroutine has ended", func() bool { return runtime.NumGoroutine() <= goroutines })
	if err := p.Save(t.Context(), record(), 0); err != nil {
		t.Errorf("Save afterwards: %v", err)
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
	case <-time.After(30 * time.Second):
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
