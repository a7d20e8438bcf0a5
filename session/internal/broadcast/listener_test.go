package broadcast_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
)

// line is a store's broadcast that a test opens and cuts.
type line struct {
	mu       sync.Mutex
	refuses  error         // all calls of Listen
	slow     time.Duration // each Listen takes to become ready, and to return
	calls    int           // of Listen, so far
	present  int           // of them
	most     int           // at the same time
	announce func([]byte)  // to the present Listen, if it is ready
	lose     context.CancelCauseFunc
}

func (c *line) listener() *broadcast.Listener {
	return broadcast.NewListener(broadcast.ListenerOptions{Listen: c.listen, Logger: slog.New(slog.DiscardHandler)})
}

func (c *line) listen(ctx context.Context, ready func(), heard func([]byte)) error {
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	messages := make(chan []byte)
	slow, err := c.begin(func(message []byte) { messages <- message }, lose)
	defer c.end()
	time.Sleep(slow)
	if err != nil {
		return err
	}
	ready()
	for {
		select {
		case message := <-messages:
			heard(message)
		case <-ctx.Done():
			time.Sleep(slow)
			return context.Cause(ctx)
		}
	}
}

func (c *line) begin(announce func([]byte), lose context.CancelCauseFunc) (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.present++
	c.most = max(c.most, c.present)
	c.announce, c.lose = announce, lose
	return c.slow, c.refuses
}

func (c *line) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.present--
}

// tell sends the message that these sessions have ended.
func (c *line) tell(ids ...string) {
	tags := make([]broadcast.Tag, len(ids))
	for i, id := range ids {
		tags[i] = broadcast.TagOf(id)
	}
	c.send(broadcast.Encode(tags))
}

// tellReleased sends the message that the holders have released their leases.
func (c *line) tellReleased(holders ...broadcast.Tag) { c.send(broadcast.EncodeReleased(holders)) }

func (c *line) send(message []byte) {
	c.mu.Lock()
	announce := c.announce
	c.mu.Unlock()
	announce(message)
	synctest.Wait()
}

// cut ends the present Listen. Later ones return the error refuses.
func (c *line) cut(refuses error) {
	c.mu.Lock()
	c.refuses = refuses
	lose := c.lose
	c.mu.Unlock()
	lose(errBroken)
	synctest.Wait()
}

// wantCalls checks how often Listen was called, and how many of these calls have not ended.
func (c *line) wantCalls(t *testing.T, calls, present int) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls != calls || c.present != present || c.most > 1 {
		t.Errorf("Listen was called %d times, %d calls are under way, %d were at the same time; want %d, %d, 1", c.calls, c.present, c.most, calls, present)
	}
}

// ear is a subscriber that records what it is told.
type ear struct {
	*broadcast.Subscription
	first broadcast.State // that Subscribe has returned

	mu     sync.Mutex
	states []broadcast.State
	tags   []broadcast.Tag
}

func subscribe(l *broadcast.Listener) *ear {
	e := &ear{}
	e.Subscription, e.first = l.Subscribe(broadcast.Subscriber{
		State: func(s broadcast.State) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.states = append(e.states, s)
		},
		Heard: func(kind broadcast.Kind, tag broadcast.Tag) {
			if kind != broadcast.Ended {
				tag[0]++
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			e.tags = append(e.tags, tag)
		},
	})
	return e
}

// want checks what the subscriber was told since the last want.
func (e *ear) want(t *testing.T, states []broadcast.State, ids ...string) {
	t.Helper()
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	var tags []broadcast.Tag
	for _, id := range ids {
		tags = append(tags, broadcast.TagOf(id))
	}
	if !slices.Equal(e.states, states) || !slices.Equal(e.tags, tags) {
		t.Errorf("the states %v and tags %x; want %v and %x", e.states, e.tags, states, tags)
	}
	e.states, e.tags = nil, nil
}

type states = []broadcast.State

const (
	silent      = broadcast.Silent
	listening   = broadcast.Listening
	unsupported = broadcast.Unsupported
)

func TestListener(t *testing.T) {
	inBubble(t, "listens once for all, from the first subscriber to the last", func(t *testing.T) {
		c := &line{}
		l := c.listener()
		c.wantCalls(t, 0, 0)
		for round := 1; round <= 3; round++ {
			a := subscribe(l)
			a.want(t, states{listening})
			b := subscribe(l)
			c.wantCalls(t, round, 1)
			c.tell("1", "2")
			a.want(t, nil, "1", "2")
			b.want(t, nil, "1", "2")
			a.End()
			a.End() // again does nothing
			c.wantCalls(t, round, 1)
			c.tell("3")
			a.want(t, nil)
			b.want(t, nil, "3")
			b.End()
			c.wantCalls(t, round, 0)
		}
	})

	inBubble(t, "tells a later subscriber the state", func(t *testing.T) {
		c := &line{}
		l := c.listener()
		a := subscribe(l)
		a.want(t, states{listening})
		b := subscribe(l)
		if b.first != listening {
			t.Errorf("the state is %v", b.first)
		}
		b.want(t, nil)
		c.cut(errBroken)
		a.want(t, states{silent})
		b.want(t, states{silent})
		if third := subscribe(l); third.first != silent {
			t.Errorf("the state is %v", third.first)
		} else {
			third.End()
		}
		c.cut(nil)
		time.Sleep(broadcast.LongestPause)
		a.want(t, states{listening})
		b.want(t, states{listening})
		a.End()
		b.End()
	})

	inBubble(t, "ends before the next one begins", func(t *testing.T) {
		c := &line{slow: time.Second}
		l := c.listener()
		a := subscribe(l)
		time.Sleep(2 * time.Second)
		a.want(t, states{listening})
		a.End()
		b := subscribe(l)
		if b.first != silent { // the call that is about to end hears nothing for b
			t.Errorf("the state is %v", b.first)
		}
		c.wantCalls(t, 1, 1)
		time.Sleep(3 * time.Second)
		c.wantCalls(t, 2, 1)
		b.want(t, states{listening})
		b.End()
		time.Sleep(time.Second)
		c.wantCalls(t, 2, 0)
	})

	inBubble(t, "that becomes ready too late tells nobody so", func(t *testing.T) {
		c := &line{slow: time.Second}
		l := c.listener()
		a := subscribe(l)
		synctest.Wait()
		a.End()
		b := subscribe(l)
		time.Sleep(time.Second) // the first call is ready, and ends
		b.want(t, nil)
		time.Sleep(2 * time.Second)
		b.want(t, states{listening})
		b.End()
		time.Sleep(time.Second)
	})

	inBubble(t, "of a store that turns out not to broadcast is not tried again", func(t *testing.T) {
		c := &line{refuses: errors.ErrUnsupported}
		l := c.listener()
		a := subscribe(l)
		a.want(t, states{unsupported})
		a.End()
		b := subscribe(l)
		if b.first != unsupported || l.State() != unsupported {
			t.Errorf("the state is %v", b.first)
		}
		time.Sleep(time.Hour)
		c.wantCalls(t, 1, 0)
		b.End()
	})

	inBubble(t, "without a Listen supports nothing", func(t *testing.T) {
		l := broadcast.NewListener(broadcast.ListenerOptions{})
		if e := subscribe(l); e.first != unsupported {
			t.Errorf("the state is %v", e.first)
		}
	})

	inBubble(t, "may be subscribed to while a lock is held that the subscriber needs", func(t *testing.T) {
		c := &line{}
		l := c.listener()
		var mu sync.Mutex
		var told []broadcast.State
		for range 100 {
			mu.Lock()
			s, _ := l.Subscribe(broadcast.Subscriber{
				State: func(s broadcast.State) {
					mu.Lock()
					defer mu.Unlock()
					told = append(told, s)
				},
				Heard: func(broadcast.Kind, broadcast.Tag) {},
			})
			mu.Unlock()
			synctest.Wait()
			mu.Lock()
			s.End()
			mu.Unlock()
		}
		if len(told) != 100 {
			t.Errorf("told %d times", len(told))
		}
	})
}
