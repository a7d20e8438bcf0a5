package watch_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/watch"
)

func TestWatch(t *testing.T) {
	inBubble(t, "of a session that is not stored has ended", func(t *testing.T) {
		s := newStore()
		ctx, stop := s.hub(time.Hour).Watch(t.Context(), "")
		stop()
		wantEnded(t, ctx)
		if at, _ := s.listened(); len(at) != 0 {
			t.Error("it listens")
		}
	})

	inBubble(t, "ends at once if the session has ended before", func(t *testing.T) {
		s := newStore()
		ctx, stop := s.hub(time.Hour).Watch(t.Context(), "a")
		defer stop()
		wantEnded(t, ctx)
	})

	inBubble(t, "ends with its context, if nobody calls the CancelFunc", func(t *testing.T) {
		s := newStore("a")
		h := s.hub(time.Hour)
		parent, cancel := context.WithCancelCause(t.Context())
		ctx, _ := h.Watch(parent, "a") // nobody calls it
		wantAlive(t, ctx)
		cancel(errBroken)
		synctest.Wait()
		if context.Cause(ctx) != errBroken {
			t.Errorf("its cause is %v", context.Cause(ctx))
		}
		wantStats(t, h, watch.Stats{})
	})

	inBubble(t, "of a context that has ended leaves nothing", func(t *testing.T) {
		s := newStore("a")
		h := s.hub(time.Hour)
		parent, cancel := context.WithCancel(t.Context())
		cancel()
		ctx, _ := h.Watch(parent, "a") // nobody calls it
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("it goes on")
		}
		wantStats(t, h, watch.Stats{})
	})

	inBubble(t, "ends with its CancelFunc", func(t *testing.T) {
		s := newStore("a")
		h := s.hub(time.Hour)
		ctx, stop := h.Watch(t.Context(), "a")
		stop()
		if context.Cause(ctx) != context.Canceled {
			t.Errorf("its cause is %v", context.Cause(ctx))
		}
		wantStats(t, h, watch.Stats{}) // without waiting
		stop()
	})

	inBubble(t, "has the values of its context", func(t *testing.T) {
		type key struct{}
		s := newStore("a")
		ctx, stop := s.hub(time.Hour).Watch(context.WithValue(t.Context(), key{}, 1), "a")
		defer stop()
		if ctx.Value(key{}) != 1 {
			t.Error("it has not")
		}
	})

	inBubble(t, "does not end with another session", func(t *testing.T) {
		s := newStore("a", "b")
		h := s.hub(time.Hour)
		a, stopA := h.Watch(t.Context(), "a")
		defer stopA()
		b, stopB := h.Watch(t.Context(), "b")
		defer stopB()
		s.end("a")
		h.Look("a", "b", "c")
		wantEnded(t, a)
		wantAlive(t, b)
	})

	inBubble(t, "of one session many times is one check", func(t *testing.T) {
		s := newStore("a")
		s.refuses = errNone
		h := s.hub(time.Minute)
		all := make([]context.Context, 1000)
		for i := range all {
			all[i], _ = h.Watch(t.Context(), "a") // they end with the session
		}
		wantStats(t, h, watch.Stats{Watchers: 1000, Sessions: 1})
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := s.checked("a"); n != 2 {
			t.Errorf("%d checks; want the first one and that of the interval", n)
		}
		s.end("a")
		time.Sleep(time.Minute)
		for _, ctx := range all {
			wantEnded(t, ctx)
		}
		wantStats(t, h, watch.Stats{})
	})
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore("a", "b")
		h := s.hub(time.Hour)
		wantStats(t, h, watch.Stats{})
		_, one := h.Watch(t.Context(), "a")
		_, two := h.Watch(t.Context(), "a")
		_, three := h.Watch(t.Context(), "b")
		wantStats(t, h, watch.Stats{Watchers: 3, Sessions: 2, Listening: true})
		one()
		wantStats(t, h, watch.Stats{Watchers: 2, Sessions: 2, Listening: true})
		two()
		wantStats(t, h, watch.Stats{Watchers: 1, Sessions: 1, Listening: true})
		s.set(func(s *store) { s.refuses = errBroken })
		s.cut()
		wantStats(t, h, watch.Stats{Watchers: 1, Sessions: 1})
		three()
		wantStats(t, h, watch.Stats{})
	})
}

func wantStats(t *testing.T, h *watch.Hub, want watch.Stats) {
	t.Helper()
	if want != (watch.Stats{}) {
		synctest.Wait()
	}
	if got := h.Stats(); got != want {
		t.Errorf("Stats are %+v; want %+v", got, want)
	}
}

// Watchers that come and go at the same time as sessions end leave nothing behind, which
// the bubble checks.
func TestWatchersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.takes = time.Millisecond
		h := s.hub(10 * time.Millisecond)
		for i := range 200 {
			id := fmt.Sprint(i % 20)
			s.set(func(s *store) { s.expires[id] = never })
			for range 3 {
				go func() {
					parent, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
					defer cancel()
					ctx, stop := h.Watch(parent, id)
					if i%3 == 0 {
						stop()
					}
					<-ctx.Done()
				}()
			}
			time.Sleep(time.Duration(i%3) * time.Millisecond)
			if i%5 == 0 {
				s.end(id)
				h.Look(id)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		wantStats(t, h, watch.Stats{})
	})
}
