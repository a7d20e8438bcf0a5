package watch_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
)

// These are the pauses of package broadcast.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)

// ended returns a message that says that these sessions have ended.
func ended(ids ...string) []byte {
	message := []byte{1}
	for _, id := range ids {
		tag := broadcast.TagOf(id)
		message = append(message, tag[:]...)
	}
	return message
}

func TestMessages(t *testing.T) {
	inBubble(t, "end what has ended, at once", func(t *testing.T) {
		s := newStore("a", "b", "c")
		h := s.hub(time.Hour)
		a, _ := h.Watch(t.Context(), "a") // it ends with the session
		b, _ := h.Watch(t.Context(), "b") // it ends with the session
		c, stop := h.Watch(t.Context(), "c")
		defer stop()
		synctest.Wait()
		begin := time.Now()
		s.end("a", "b")
		s.tell(ended("a", "b", "c", "d"))
		wantEnded(t, a)
		wantEnded(t, b)
		wantAlive(t, c)
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
	})

	inBubble(t, "that are not true end nothing", func(t *testing.T) {
		s := newStore("a")
		ctx, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		synctest.Wait()
		for range 3 {
			s.tell(ended("a"))
			time.Sleep(time.Minute)
		}
		wantAlive(t, ctx)
	})

	inBubble(t, "that are forged cost one check of a session in a second", func(t *testing.T) {
		s := newStore("a")
		ctx, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		synctest.Wait()
		s.checked("a")
		for range 10_000 {
			s.tell(ended("a"))
			time.Sleep(time.Millisecond)
		}
		if n := s.checked("a"); n < 9 || n > 11 {
			t.Errorf("%d checks in ten seconds", n)
		}
		s.end("a")
		s.tell(ended("a"))
		time.Sleep(time.Second)
		wantEnded(t, ctx)
	})

	inBubble(t, "of another kind and malformed ones are ignored", func(t *testing.T) {
		s := newStore("a")
		_, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		synctest.Wait()
		s.checked("a")
		message := ended("a")
		s.tell(append([]byte{2}, message[1:]...))
		s.tell(message[:8])
		s.tell(append(message, 0))
		s.tell([]byte{1})
		s.tell([]byte("{}"))
		if n := s.checked("a"); n != 0 {
			t.Errorf("%d checks", n)
		}
	})
}

func TestListener(t *testing.T) {
	inBubble(t, "is one for all, from the first watcher to the last", func(t *testing.T) {
		s := newStore()
		h := s.hub(time.Hour)
		if at, _ := s.listened(); len(at) != 0 {
			t.Error("it listens without a watcher")
		}
		for round := 1; round <= 3; round++ {
			var stops []context.CancelFunc
			for i := range 50 {
				id := fmt.Sprint(i)
				s.set(func(s *store) { s.expires[id] = never })
				_, stop := h.Watch(t.Context(), id)
				stops = append(stops, stop)
			}
			synctest.Wait()
			if at, now := s.listened(); len(at) != round || !now {
				t.Errorf("round %d: %d calls of Listen; one is under way: %v", round, len(at), now)
			}
			for _, stop := range stops {
				stop()
			}
			synctest.Wait()
			if _, now := s.listened(); now {
				t.Error("it listens without a watcher")
			}
		}
	})

	inBubble(t, "that begins checks all sessions", func(t *testing.T) {
		s := newStore("a")
		s.refuses = errBroken
		ctx, stop := s.hub(24*time.Hour).Watch(t.Context(), "a")
		defer stop()
		time.Sleep(time.Hour)
		wantAlive(t, ctx)
		s.end("a") // while nothing is heard
		s.set(func(s *store) { s.refuses = nil })
		time.Sleep(longestPause)
		wantEnded(t, ctx)
	})

	inBubble(t, "that is lost checks all sessions at once", func(t *testing.T) {
		s := newStore("a")
		ctx, stop := s.hub(24*time.Hour).Watch(t.Context(), "a")
		defer stop()
		synctest.Wait()
		s.end("a") // its message is lost with the connection
		s.set(func(s *store) { s.refuses = errBroken })
		s.cut()
		wantEnded(t, ctx)
	})

	inBubble(t, "that begins while a session is checked checks it again", func(t *testing.T) {
		s := newStore("a")
		s.takes = time.Minute
		ctx, stop := s.hub(24*time.Hour).Watch(t.Context(), "a")
		defer stop()
		synctest.Wait() // the first check has read the live session
		s.end("a")
		s.cut() // and listens again
		time.Sleep(3 * time.Minute)
		wantEnded(t, ctx)
	})

	inBubble(t, "that begins spreads the checks of many sessions", func(t *testing.T) {
		const many = 1000
		s := newStore()
		h := s.hub(24 * time.Hour)
		for i := range many {
			id := fmt.Sprint(i)
			s.set(func(s *store) { s.expires[id] = never })
			_, stop := h.Watch(t.Context(), id)
			defer stop()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		s.set(func(s *store) { clear(s.checks) })
		s.cut()
		soon := s.sessionsChecked()
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		half := s.sessionsChecked()
		time.Sleep(time.Second)
		synctest.Wait()
		all := s.sessionsChecked()
		if soon > many/20 || half < many/4 || half > many-many/10 || all != many {
			t.Errorf("%d checks at once, %d in half a second, %d in all", soon, half, all)
		}
	})

	inBubble(t, "that cannot listen tries again with growing pauses", func(t *testing.T) {
		s := newStore("a")
		s.refuses = errBroken
		_, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		at, _ := s.listened()
		if n := len(at); n < 120 || n > 260 {
			t.Errorf("%d calls in an hour", n)
		}
		if first := at[1].Sub(at[0]); first > firstPause {
			t.Errorf("the first pause is %v", first)
		}
		if last := at[len(at)-1].Sub(at[len(at)-2]); last < longestPause/2 || last > longestPause {
			t.Errorf("the last pause is %v", last)
		}
	})

	inBubble(t, "that is lost after a long time tries again soon, however long the pauses were before", func(t *testing.T) {
		s := newStore("a")
		s.refuses = errBroken
		_, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		time.Sleep(time.Hour)
		s.set(func(s *store) { s.refuses = nil })
		time.Sleep(2 * longestPause)
		synctest.Wait()
		before, _ := s.listened()
		s.cut()
		time.Sleep(firstPause)
		synctest.Wait()
		if after, _ := s.listened(); len(after) != len(before)+1 {
			t.Errorf("%d calls", len(after)-len(before))
		}
	})

	inBubble(t, "that is lost again and again tries less and less", func(t *testing.T) {
		s := newStore("a")
		_, stop := s.hub(24*time.Hour).Watch(t.Context(), "a")
		defer stop()
		for range 3600 {
			synctest.Wait()
			if _, now := s.listened(); now {
				s.cut()
			}
			time.Sleep(time.Second)
		}
		if at, _ := s.listened(); len(at) > 300 {
			t.Errorf("%d calls in an hour", len(at))
		}
	})

	inBubble(t, "of a store that cannot broadcast is never tried again", func(t *testing.T) {
		s := newStore("a")
		s.refuses = fmt.Errorf("no: %w", errNone)
		h := s.hub(time.Minute)
		for range 3 {
			ctx, stop := h.Watch(t.Context(), "a")
			time.Sleep(time.Hour)
			wantAlive(t, ctx)
			stop()
		}
		if at, _ := s.listened(); len(at) != 1 {
			t.Errorf("%d calls of Listen", len(at))
		}
	})
}
