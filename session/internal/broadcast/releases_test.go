package broadcast_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
)

// told reports whether w was told something since the last call.
func told(w *broadcast.Wait) bool {
	synctest.Wait()
	select {
	case <-w.Told():
		return true
	default:
		return false
	}
}

func TestReleases(t *testing.T) {
	holder, other := broadcast.Tag{1}, broadcast.Tag{2}
	begin := func() (*line, *broadcast.Releases) {
		c := &line{}
		return c, broadcast.NewReleases(c.listener())
	}

	inBubble(t, "wake those who wait for that lease", func(t *testing.T) {
		c, r := begin()
		first, second, third := r.Await(holder, "a"), r.Await(holder, "a"), r.Await(other, "b")
		if !told(first) || !told(second) || !told(third) || told(first) {
			t.Error("those who wait are not told once that messages are heard now")
		}
		c.tellReleased(holder)
		if !told(first) || !told(second) || told(third) {
			t.Error("one who waits for the lease was not told, or the other one was")
		}
		c.tell("b")
		if told(first) || !told(third) {
			t.Error("the end of the session was not told, or that of another one was")
		}
		c.wantCalls(t, 1, 1)
		first.End()
		first.End() // again does nothing
		second.End()
		c.tellReleased(holder)
		if told(first) || told(third) {
			t.Error("told after the end")
		}
		c.wantCalls(t, 1, 1)
		third.End()
		c.wantCalls(t, 1, 0)
	})

	inBubble(t, "tell when a message may have been missed", func(t *testing.T) {
		c, r := begin()
		w := r.Await(holder, "a")
		if !told(w) || !w.Listening() {
			t.Error("messages are not heard")
		}
		c.cut(errBroken)
		if !told(w) || w.Listening() {
			t.Error("messages are still heard")
		}
		c.cut(nil)
		time.Sleep(broadcast.LongestPause)
		if !told(w) || !w.Listening() {
			t.Error("messages are not heard again")
		}
		w.End()
	})

	inBubble(t, "know at once that messages are heard already", func(t *testing.T) {
		c := &line{}
		l := c.listener()
		e := subscribe(l)
		synctest.Wait()
		w := broadcast.NewReleases(l).Await(holder, "a")
		if !w.Listening() || told(w) {
			t.Error("the state is not known")
		}
		w.End()
		c.wantCalls(t, 1, 1)
		e.End()
	})
}
