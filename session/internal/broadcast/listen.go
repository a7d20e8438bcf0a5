package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// run listens while there are subscriptions. There is one such goroutine at most, so that a
// Listen that is about to end does not run beside the next one.
func (l *Listener) run() {
	for ctx := l.begin(); ctx != nil; ctx = l.begin() {
		l.repeat(ctx)
	}
}

// begin returns the context of the next calls of Listen. It is nil if none is wanted.
func (l *Listener) begin() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.subscriptions) == 0 || l.state == Unsupported {
		l.running = false
		return nil
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	return ctx
}

// The pause before the next try doubles from firstPause to longestPause while the store
// cannot be listened to. It starts again after a connection that has lasted for
// longestPause.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)

// repeat listens until ctx ends, or the store turns out not to broadcast any messages.
// After another error it tries again.
func (l *Listener) repeat(ctx context.Context) {
	failing := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		ready, lasted, err := l.listen(ctx, &failing)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errors.ErrUnsupported):
			l.become(ctx, Unsupported)
			return
		case lasted >= longestPause:
			pause = firstPause
		}
		if !failing {
			failing = true
			l.opts.Logger.Warn("session: the store's broadcast is not heard, which is tried again; meanwhile Session.Watch finds ended sessions by the checks of Config.WatchInterval only, Config.ReadCache reads the store, and Key.Refresh polls for the leases of other instances",
				slog.Bool("was_heard_before", ready), slog.Any("error", err))
		}
		if !sleep(ctx, pause/2+records.Jitter(pause/2)) {
			return
		}
	}
}

// listen listens once. Ready reports whether it has begun to listen, and lasted how long
// it did.
func (l *Listener) listen(ctx context.Context, failing *bool) (ready bool, lasted time.Duration, err error) {
	var since time.Time
	err = l.opts.Listen(ctx, func() {
		ready, since = true, time.Now()
		if *failing {
			*failing = false
			l.opts.Logger.Info("session: the store's broadcast is heard again")
		}
		l.become(ctx, Listening)
	}, l.hear)
	if ready {
		lasted = time.Since(since)
		l.become(ctx, Silent)
	}
	return ready, lasted, err
}

// become tells the subscribers that the state has changed, unless that is so because none
// was left: whoever has subscribed since knows the state.
func (l *Listener) become(ctx context.Context, state State) {
	l.mu.Lock()
	if ctx.Err() != nil || l.state == state {
		l.mu.Unlock()
		return
	}
	l.state = state
	subscriptions := l.subscriptions
	l.mu.Unlock()
	for _, s := range subscriptions {
		s.subscriber.State(state)
	}
}

// hear passes a message on to the subscribers.
func (l *Listener) hear(message []byte) {
	l.mu.Lock()
	subscriptions := l.subscriptions
	l.mu.Unlock()
	kind, tags := Decode(message)
	for _, tag := range tags {
		if l.opts.Heard != nil {
			l.opts.Heard(kind, tag)
		}
		for _, s := range subscriptions {
			s.subscriber.Heard(kind, tag)
		}
	}
}

// sleep reports whether the pause is over before ctx ends.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
