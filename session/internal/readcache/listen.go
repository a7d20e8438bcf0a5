package readcache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
)

// listening is the state of a Cache that hears which sessions have ended. It listens while
// copies are asked for.
type listening struct {
	deaf  atomic.Bool  // the store cannot broadcast: the age of a copy alone decides
	heard atomic.Bool  // messages are heard
	used  atomic.Int64 // when a copy was last asked for, in Unix seconds

	mu      sync.Mutex
	running bool
}

// unusedTime is the time without a request after which a Cache stops to listen. Nothing
// else ends it, since a Manager needs no closing.
const unusedTime = time.Minute

// trusted reports whether an end of a session by another instance would be noticed, or
// cannot be told.
func (c *Cache) trusted() bool { return c.listening.heard.Load() || c.listening.deaf.Load() }

// used records that a copy is asked for, begins to listen, and reports whether copies may
// be used.
func (c *Cache) used(now time.Time) bool {
	l := &c.listening
	if l.deaf.Load() {
		return true
	}
	if at := now.Unix(); l.used.Load() != at {
		l.used.Store(at)
		c.start()
	}
	return l.heard.Load()
}

// start begins to listen, unless that has begun.
func (c *Cache) start() {
	l := &c.listening
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running {
		return
	}
	l.running = true
	ctx, stop := context.WithCancel(context.Background())
	var unused *time.Timer
	unused = time.AfterFunc(unusedTime, func() {
		if left := unusedTime - time.Since(time.Unix(l.used.Load(), 0)); left > 0 {
			unused.Reset(left)
			return
		}
		stop()
	})
	go func() {
		defer unused.Stop()
		defer stop()
		c.listen(ctx)
	}()
}

func (c *Cache) listen(ctx context.Context) {
	l := &c.listening
	listener := broadcast.Listener{
		Listen: c.opts.Listen,
		Ready: func() {
			c.clear() // an end may have been missed since these were read
			l.heard.Store(true)
		},
		Lost: func() {
			l.heard.Store(false)
			c.clear()
		},
		Heard:  c.removeTag,
		Logger: c.opts.Logger,
	}
	err := listener.Run(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running = false
	l.used.Store(0)
	if err != nil {
		l.deaf.Store(true)
	}
}
