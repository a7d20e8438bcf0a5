package watch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestChecks(t *testing.T) {
	inBubble(t, "find an end within the interval, without a broadcast", func(t *testing.T) {
		s := newStore("a")
		s.refuses = errNone
		ctx, stop := s.hub(time.Minute).Watch(t.Context(), "a")
		defer stop()
		for range 100 {
			time.Sleep(10 * time.Second)
			wantAlive(t, ctx)
		}
		s.end("a")
		time.Sleep(time.Minute)
		wantEnded(t, ctx)
	})

	inBubble(t, "find an end of which no message came", func(t *testing.T) {
		s := newStore("a")
		ctx, stop := s.hub(time.Minute).Watch(t.Context(), "a")
		defer stop()
		synctest.Wait()
		s.end("a")
		wantAlive(t, ctx)
		time.Sleep(time.Minute)
		wantEnded(t, ctx)
	})

	inBubble(t, "are no more than the interval needs", func(t *testing.T) {
		s := newStore("a")
		s.refuses = errNone
		_, stop := s.hub(time.Minute).Watch(t.Context(), "a")
		defer stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := s.checked("a"); n < 60 || n > 81 {
			t.Errorf("%d checks in an hour; want one in 45 to 60 seconds", n)
		}
	})

	inBubble(t, "of sessions that are watched from the same moment drift apart", func(t *testing.T) {
		const many = 8
		s := newStore()
		s.refuses = errNone
		h := s.hub(time.Hour)
		for i := range many {
			id := fmt.Sprint(i)
			s.set(func(s *store) { s.expires[id] = never })
			_, stop := h.Watch(t.Context(), id)
			defer stop()
		}
		synctest.Wait()
		s.set(func(s *store) { clear(s.checks) })
		apart := false
		for range 3600 {
			time.Sleep(time.Second)
			synctest.Wait()
			n := s.sessionsChecked()
			apart = apart || n > 0 && n < many
		}
		if !apart {
			t.Error("they do not")
		}
	})

	inBubble(t, "are at most eight at a time", func(t *testing.T) {
		s := newStore()
		s.refuses = errNone
		s.takes = time.Second
		h := s.hub(time.Hour)
		for i := range 100 {
			id := fmt.Sprint(i)
			s.set(func(s *store) { s.expires[id] = never })
			_, stop := h.Watch(t.Context(), id)
			defer stop()
		}
		time.Sleep(13 * time.Second)
		synctest.Wait()
		if n := s.sessionsChecked(); s.most != 8 || n != 100 {
			t.Errorf("%d at a time, %d in all", s.most, n)
		}
	})

	inBubble(t, "come when the session is about to expire", func(t *testing.T) {
		s := newStore("a")
		s.expires["a"] = time.Now().Add(10 * time.Second)
		ctx, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		time.Sleep(9 * time.Second)
		s.set(func(s *store) { s.expires["a"] = time.Now().Add(10 * time.Second) }) // it was used
		time.Sleep(9 * time.Second)
		wantAlive(t, ctx)
		s.end("a") // the store counts it as expired
		time.Sleep(time.Second)
		wantEnded(t, ctx)
	})

	inBubble(t, "are repeated if the store's clock is behind", func(t *testing.T) {
		const behind = 5 * time.Minute
		s := newStore("a")
		s.expires["a"] = time.Now().Add(10 * time.Second)
		ctx, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		time.Sleep(10*time.Second + behind)
		wantAlive(t, ctx)
		if n := s.checked("a"); n > 15 {
			t.Errorf("%d checks", n)
		}
		s.end("a")
		time.Sleep(2 * behind)
		wantEnded(t, ctx)
	})

	inBubble(t, "that fail are repeated, and end nothing", func(t *testing.T) {
		s := newStore("a")
		ctx, stop := s.hub(time.Minute).Watch(t.Context(), "a")
		defer stop()
		synctest.Wait()
		s.checked("a")
		s.set(func(s *store) { s.fails = errBroken })
		time.Sleep(time.Hour)
		wantAlive(t, ctx)
		if n := s.checked("a"); n < 60 || n > 140 {
			t.Errorf("%d checks in an hour of failures", n)
		}
		s.set(func(s *store) { s.fails = nil })
		s.end("a")
		time.Sleep(time.Minute)
		wantEnded(t, ctx)
	})

	inBubble(t, "that fail once are repeated soon", func(t *testing.T) {
		s := newStore("a")
		s.fails, s.refuses = errBroken, errNone
		ctx, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		synctest.Wait()
		s.set(func(s *store) { s.fails = nil })
		s.end("a")
		time.Sleep(time.Second)
		wantEnded(t, ctx)
	})

	inBubble(t, "that were under way when the session was said to have ended are repeated", func(t *testing.T) {
		s := newStore("a")
		s.takes = time.Second
		h := s.hub(time.Hour)
		ctx, stop := h.Watch(t.Context(), "a")
		defer stop()
		synctest.Wait() // the first check has read the live session
		s.end("a")
		h.Look("a")
		time.Sleep(2 * time.Second)
		wantEnded(t, ctx)
	})

	inBubble(t, "of an interval of 400 days are scheduled", func(t *testing.T) {
		s := newStore("a")
		s.refuses = errNone
		_, stop := s.hub(400*24*time.Hour).Watch(t.Context(), "a")
		defer stop()
		time.Sleep(299 * 24 * time.Hour)
		synctest.Wait()
		if n := s.checked("a"); n != 1 {
			t.Errorf("%d checks in 299 days; want the first one", n)
		}
		time.Sleep(101 * 24 * time.Hour)
		synctest.Wait()
		if n := s.checked("a"); n != 1 {
			t.Errorf("%d checks in the next 101 days; want one", n)
		}
	})
}
