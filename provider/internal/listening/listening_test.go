package listening_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/listening"
)

var errLost = errors.New("lost")

// untilEnd is a Receiver that delivers messages and then waits for its context.
func untilEnd(messages ...string) listening.Receiver {
	return func(ctx context.Context, begin func(), deliver func([]byte)) error {
		begin()
		for _, message := range messages {
			deliver([]byte(message))
		}
		<-ctx.Done()
		return fmt.Errorf("test: %w", ctx.Err())
	}
}

func TestReceiversErrorIsReturned(t *testing.T) {
	for name, begins := range map[string]bool{"before it begins": false, "after it has begun": true} {
		ready := false
		err := listening.Listen(t.Context(), "test", func() { ready = true }, nil, func(_ context.Context, begin func(), _ func([]byte)) error {
			if begins {
				begin()
			}
			return errLost
		})
		if err != errLost || ready && !begins {
			t.Errorf("%s: got error %v, ready was called: %v", name, err, ready)
		}
	}
}

// The error of the caller's context counts, whatever the Receiver returns.
func TestContextsErrorIsReturned(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := listening.Listen(ctx, "test", cancel, nil, func(ctx context.Context, begin func(), _ func([]byte)) error {
		begin()
		<-ctx.Done()
		return errLost
	})
	if !errors.Is(err, context.Canceled) || err.Error() != "test: context canceled" {
		t.Errorf("got error %v", err)
	}
}

// A message that arrives before the Receiver says that it has begun is heard after ready.
func TestMessageBeforeBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var calls []string
		_ = listening.Listen(ctx, "test", func() { calls = append(calls, "ready") }, func(message []byte) {
			calls = append(calls, string(message))
			cancel()
		}, func(ctx context.Context, begin func(), deliver func([]byte)) error {
			deliver([]byte("early"))
			synctest.Wait()
			begin()
			<-ctx.Done()
			return ctx.Err()
		})
		if fmt.Sprint(calls) != "[ready early]" {
			t.Errorf("the calls are %q", calls)
		}
	})
}

// Messages wait while heard runs, as many as QueueLength; one more ends Listen at once.
func TestQueue(t *testing.T) {
	for more, want := range map[int]string{0: "context canceled", 1: "too slow"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			messages := make([]string, 1+listening.QueueLength+more)
			for i := range messages {
				messages[i] = fmt.Sprint(i)
			}
			received, heard := make(chan struct{}), 0
			err := listening.Listen(ctx, "test", func() {}, func(message []byte) {
				if heard == 0 {
					close(received)
					synctest.Wait() // until all others are delivered
				}
				if string(message) != fmt.Sprint(heard) {
					t.Errorf("got message %q, want %d", message, heard)
				}
				if heard++; heard == len(messages) {
					cancel()
				}
			}, func(ctx context.Context, begin func(), deliver func([]byte)) error {
				begin()
				deliver([]byte(messages[0]))
				<-received
				return untilEnd(messages[1:]...)(ctx, func() {}, deliver)
			})
			cancel()
			if !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "test: ") {
				t.Errorf("with %d more: got error %v, want %s", more, err, want)
			}
			if more > 0 && heard != 1 {
				t.Errorf("heard was called %d times after a loss", heard-1)
			}
		})
	}
}

// After the loss of the connection, what waits is not heard: the caller should know at once.
func TestLossComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := 0
		err := listening.Listen(t.Context(), "test", func() { synctest.Wait() }, func([]byte) { heard++ }, func(_ context.Context, begin func(), deliver func([]byte)) error {
			begin()
			deliver([]byte("message"))
			return errLost
		})
		if err != errLost || heard > 0 {
			t.Errorf("got error %v after %d messages", err, heard)
		}
	})
}

func TestInvalidMessagesAreIgnored(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_ = listening.Listen(ctx, "test", func() {}, func(message []byte) {
		if provider.ValidateMessage(message) != nil {
			t.Errorf("heard %d bytes", len(message))
		}
		cancel()
	}, untilEnd("", strings.Repeat("x", provider.MaxMessageLength+1), "message"))
}

// A panic of the caller's function reaches the caller, after the Receiver has ended.
func TestPanicEndsTheReceiver(t *testing.T) {
	for _, name := range []string{"ready", "heard"} {
		ended := false
		func() {
			defer func() {
				if v := recover(); v != name || !ended {
					t.Errorf("got panic %v; the Receiver has ended: %v", v, ended)
				}
			}()
			try := func(here string) {
				if here == name {
					panic(name)
				}
			}
			_ = listening.Listen(t.Context(), "test", func() { try("ready") }, func([]byte) { try("heard") }, func(ctx context.Context, begin func(), deliver func([]byte)) error {
				defer func() { ended = true }()
				return untilEnd("message")(ctx, begin, deliver)
			})
		}()
	}
}

// early is a context whose timer is late.
type early struct {
	context.Context
	deadline time.Time
}

func (e early) Deadline() (time.Time, bool) { return e.deadline, true }

// The deadline of a socket may end a call a moment before the context has ended.
func TestDeadlineOfASocketComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := listening.Listen(early{late, time.Now()}, "test", nil, nil, func(context.Context, func(), func([]byte)) error { return os.ErrDeadlineExceeded })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want the context's", err)
		}
	})
}
