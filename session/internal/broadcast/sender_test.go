package broadcast_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
)

var errBroken = errors.New("broken connection")

// channel receives messages from a Sender.
type channel struct {
	mu    sync.Mutex
	got   [][]byte
	takes time.Duration // each Broadcast
	fails error         // each Broadcast
	log   bytes.Buffer
}

func (c *channel) broadcast(_ context.Context, message []byte) error {
	c.mu.Lock()
	c.got = append(c.got, slices.Clone(message))
	takes, err := c.takes, c.fails
	c.mu.Unlock()
	if takes > 0 {
		time.Sleep(takes)
	}
	return err
}

func (c *channel) sender() *broadcast.Sender {
	return broadcast.NewSender(broadcast.SenderOptions{
		Broadcast: c.broadcast,
		Context:   func() (context.Context, func()) { return context.Background(), func() {} },
		Logger:    slog.New(slog.NewTextHandler(&c.log, nil)),
	})
}

// messages returns the tags of each message so far.
func (c *channel) messages() (all [][]broadcast.Tag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, message := range c.got {
		all = append(all, tagsOf(message))
	}
	return all
}

// setFails sets the error of each Broadcast.
func (c *channel) setFails(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fails = err
}

// inBubble runs test in a bubble, which fails if a goroutine stays.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func numbered(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	return ids
}

func TestSender(t *testing.T) {
	inBubble(t, "sends", func(t *testing.T) {
		c := new(channel)
		c.sender().SendEnded("a", "b")
		synctest.Wait()
		want := [][]broadcast.Tag{{broadcast.TagOf("a"), broadcast.TagOf("b")}}
		if got := c.messages(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %x, want %x", got, want)
		}
	})

	inBubble(t, "sends each kind by itself, in the order of the calls", func(t *testing.T) {
		c := &channel{takes: time.Second}
		s := c.sender()
		s.SendEnded("a")
		synctest.Wait()
		s.SendReleased(broadcast.Tag{1})
		s.SendReleased(broadcast.Tag{2})
		s.SendEnded("b")
		time.Sleep(time.Minute)
		c.mu.Lock()
		defer c.mu.Unlock()
		want := [][]byte{
			broadcast.Encode([]broadcast.Tag{broadcast.TagOf("a")}),
			broadcast.EncodeReleased([]broadcast.Tag{{1}, {2}}),
			broadcast.Encode([]broadcast.Tag{broadcast.TagOf("b")}),
		}
		if !slices.EqualFunc(c.got, want, bytes.Equal) {
			t.Errorf("got %x, want %x", c.got, want)
		}
	})

	inBubble(t, "sends nothing for nothing", func(t *testing.T) {
		c := new(channel)
		s := c.sender()
		s.SendEnded()
		s.Flush()
		if got := c.messages(); len(got) != 0 {
			t.Errorf("got %x", got)
		}
	})

	inBubble(t, "sends as few messages as fit", func(t *testing.T) {
		c := new(channel)
		c.sender().SendEnded(numbered(broadcast.MaxTags + 1)...)
		synctest.Wait()
		if got := c.messages(); len(got) != 2 || len(got[0]) != broadcast.MaxTags || len(got[1]) != 1 {
			t.Errorf("%d messages", len(got))
		}
	})

	inBubble(t, "does not wait, and sends together what comes during a message", func(t *testing.T) {
		c := &channel{takes: time.Second}
		s := c.sender()
		begin := time.Now()
		s.SendEnded("first")
		synctest.Wait()
		for _, id := range numbered(100) {
			s.SendEnded(id)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("Send took %v", took)
		}
		time.Sleep(3 * time.Second)
		if got := c.messages(); len(got) != 2 || len(got[1]) != 100 {
			t.Errorf("%d messages", len(got))
		}
	})

	inBubble(t, "drops what does not fit into the queue", func(t *testing.T) {
		c := &channel{takes: time.Second}
		s := c.sender()
		for range 3 {
			s.SendEnded(numbered(broadcast.MaxQueued)...)
		}
		time.Sleep(time.Hour)
		n := 0
		for _, tags := range c.messages() {
			n += len(tags)
		}
		if n < broadcast.MaxQueued || n > broadcast.MaxQueued+broadcast.MaxTags {
			t.Errorf("%d tags", n)
		}
		s.Flush() // does not wait for what was dropped
	})

	inBubble(t, "goes on after a failure, which is logged once", func(t *testing.T) {
		c := &channel{fails: errBroken}
		s := c.sender()
		for range 3 {
			s.SendEnded("a")
			synctest.Wait()
		}
		c.setFails(nil)
		s.SendEnded("a")
		synctest.Wait()
		if got := c.messages(); len(got) != 4 {
			t.Errorf("%d messages", len(got))
		}
		if n := strings.Count(c.log.String(), errBroken.Error()); n != 1 {
			t.Errorf("the log is %s", &c.log)
		}
		c.setFails(errBroken)
		s.SendEnded("a")
		synctest.Wait()
		if n := strings.Count(c.log.String(), errBroken.Error()); n != 2 {
			t.Errorf("after a success the log is %s", &c.log)
		}
	})

	inBubble(t, "tries a store that cannot broadcast once", func(t *testing.T) {
		c := &channel{fails: fmt.Errorf("no: %w", errors.ErrUnsupported), takes: time.Millisecond}
		s := c.sender()
		s.SendEnded(numbered(2 * broadcast.MaxTags)...)
		synctest.Wait()
		s.SendEnded("a")
		s.Flush()
		s.SendEnded("a")
		s.Flush()
		if got := c.messages(); len(got) != 1 || c.log.Len() > 0 {
			t.Errorf("%d messages, the log is %q", len(got), &c.log)
		}
	})
}

func TestFlush(t *testing.T) {
	inBubble(t, "waits until all was sent that came before it", func(t *testing.T) {
		c := &channel{takes: 100 * time.Millisecond}
		s := c.sender()
		s.SendEnded("a")
		synctest.Wait()
		s.SendEnded("b")
		begin := time.Now()
		flushed := make(chan struct{})
		go func() {
			s.Flush()
			close(flushed)
		}()
		synctest.Wait()
		time.Sleep(150 * time.Millisecond) // the message with b is under way
		s.SendEnded("c")
		<-flushed
		if took := time.Since(begin); took != 200*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Second)
	})

	inBubble(t, "waits for a second at most", func(t *testing.T) {
		c := &channel{takes: time.Minute}
		s := c.sender()
		s.SendEnded("a")
		begin := time.Now()
		s.Flush()
		if took := time.Since(begin); took != time.Second {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Hour)
	})
}
