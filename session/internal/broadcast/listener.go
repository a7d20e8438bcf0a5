package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Listener listens to messages about ended sessions. Its functions are called from one
// goroutine. None has a default.
type Listener struct {
	Listen func(ctx context.Context, ready func(), heard func([]byte)) error // provider.Listen
	Ready  func()                                                            // it has begun to listen
	Lost   func()                                                            // it no longer listens, and may have missed messages
	Heard  func(Tag)                                                         // that session has ended, says a message
	Logger *slog.Logger
}

// The pause before the next try doubles from firstPause to longestPause while the store
// cannot be listened to. It starts again after a connection that has lasted for
// longestPause.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)

// Run listens until ctx ends. After an error it tries again. It returns an error only if
// the store cannot broadcast: one that wraps errors.ErrUnsupported.
func (l *Listener) Run(ctx context.Context) error {
	failing := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		ready, lasted, err := l.listen(ctx, &failing)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errors.ErrUnsupported):
			return err
		case lasted >= longestPause:
			pause = firstPause
		}
		if !failing {
			failing = true
			l.Logger.Warn("session: the store's broadcast is not heard, which is tried again; meanwhile Session.Watch finds ended sessions by the checks of Config.WatchInterval only, and Config.ReadCache reads the store",
				slog.Bool("was_heard_before", ready), slog.Any("error", err))
		}
		if !sleep(ctx, pause/2+records.Jitter(pause/2)) {
			return nil
		}
	}
}

// listen listens once. Ready reports whether it has begun to listen, and lasted how long
// it did.
func (l *Listener) listen(ctx context.Context, failing *bool) (ready bool, lasted time.Duration, err error) {
	var since time.Time
	err = l.Listen(ctx, func() {
		ready, since = true, time.Now()
		if *failing {
			*failing = false
			l.Logger.Info("session: the store's broadcast is heard again")
		}
		l.Ready()
	}, func(message []byte) {
		for _, tag := range Decode(message) {
			l.Heard(tag)
		}
	})
	if ready {
		lasted = time.Since(since)
		l.Lost()
	}
	return ready, lasted, err
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
