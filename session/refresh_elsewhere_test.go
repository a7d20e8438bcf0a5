package session_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/session"
)

// rarely is a pause between two looks at a lease that is longer than every lease.
const rarely = 24 * time.Hour

// takes is how long the function of the holder runs in these tests.
const takes = 3 * time.Second

// A pair are two instances with their own processes. One holds the lease of key a in a
// session while requests of the other one wait.
type pair struct {
	*world
	holder, waiter *client
	all            sync.WaitGroup
}

// newPair returns a pair whose waiters look at the record after that pause again.
func newPair(t *testing.T, pause time.Duration, setUp ...func(*world)) *pair {
	t.Helper()
	w, c, _ := begun(t)
	for _, fn := range setUp {
		fn(w)
	}
	here, there := w.manager(), w.manager()
	session.Apart(here, pause)
	session.Apart(there, pause)
	return &pair{world: w, holder: c.at(there), waiter: c.at(here)}
}

// hold begins a request that renews 1 to 2, unless fn is another function.
func (p *pair) hold(t *testing.T, fn func() (int, error)) {
	p.all.Go(func() {
		p.holder.post(func(s *session.Session) {
			_, _ = keyA.Refresh(t.Context(), s, is(1), func(context.Context, int) (int, error) {
				time.Sleep(takes)
				return fn()
			})
		})
	})
	synctest.Wait()
}

func renewed() (int, error) { return 2, nil }

// wait sends a request to the other instance, which waits. It returns how long it took.
func (p *pair) wait(t *testing.T, want int, wantError error) time.Duration {
	t.Helper()
	began := time.Now()
	p.waiter.tab().post(refreshing(t, 1, want, wantError, func(context.Context, int) (int, error) { return 3, nil }))
	p.all.Wait()
	return time.Since(began)
}

// Other instances tell that a lease was released.
func TestRuleRefreshIsWokenByAMessage(t *testing.T) {
	bubble("when the value was renewed", t, func(t *testing.T) {
		p := newPair(t, rarely)
		p.hold(t, renewed)
		if took := p.wait(t, 2, nil); took != takes {
			t.Errorf("woken after %v", took)
		}
	})

	bubble("when the function has failed", t, func(t *testing.T) {
		p := newPair(t, rarely)
		p.hold(t, func() (int, error) { return 0, errBroken })
		if took := p.wait(t, 3, nil); took != takes {
			t.Errorf("woken after %v", took)
		}
	})

	bubble("when the session has ended", t, func(t *testing.T) {
		p := newPair(t, rarely)
		p.hold(t, func() (int, error) {
			p.holder.tab().post(destroy).wantPage(t)
			time.Sleep(takes)
			return 2, nil
		})
		began := time.Now() // the holder releases the lease later
		p.waiter.tab().post(refreshing(t, 1, 1, session.ErrEnded, nil))
		took := time.Since(began)
		p.all.Wait()
		if took != takes {
			t.Errorf("woken after %v", took)
		}
	})

	bubble("after one look only", t, func(t *testing.T) {
		p := newPair(t, rarely)
		p.hold(t, renewed)
		before := p.store.Fetches.Load()
		p.wait(t, 2, nil)
		if n := p.store.Fetches.Load() - before; n > 4 { // loading, listening begun, the first look, and the one of the message
			t.Errorf("%d reads", n)
		}
	})

	bubble("once it can listen, if the release was not heard", t, func(t *testing.T) {
		p := newPair(t, rarely, func(w *world) {
			w.store.OnListen = func(ctx context.Context, ready func(), heard func([]byte), next storetest.ListenFunc) error {
				time.Sleep(takes + time.Second)
				return next(ctx, ready, heard)
			}
		})
		p.hold(t, renewed)
		if took := p.wait(t, 2, nil); took < takes || took > takes+2*time.Second {
			t.Errorf("woken after %v", took)
		}
		time.Sleep(2 * takes)
	})

	bubble("however many wait, with one connection", t, func(t *testing.T) {
		p := newPair(t, rarely)
		p.hold(t, renewed)
		before := p.store.Listens.Load()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { p.waiter.tab().post(refreshing(t, 1, 2, nil, nil)).wantPage(t) })
		}
		all.Wait()
		p.all.Wait()
		if n := p.store.Listens.Load() - before; n != 1 {
			t.Errorf("Listen was called %d times", n)
		}
	})

	bubble("and not by the message of another lease", t, func(t *testing.T) {
		p := newPair(t, rarely)
		p.hold(t, renewed)
		p.all.Go(func() {
			for range 20 {
				time.Sleep(takes / 30)
				wantErr(t, p.store.Broadcast(t.Context(), append([]byte{2}, bytes.Repeat([]byte("x"), 8)...)), nil)
			}
		})
		before := p.store.Fetches.Load()
		p.wait(t, 2, nil)
		if n := p.store.Fetches.Load() - before; n > 4 {
			t.Errorf("%d reads", n)
		}
	})
}

// A message that is lost costs the pause between two looks.
func TestRuleRefreshIsWokenWithoutAMessage(t *testing.T) {
	for name, setUp := range map[string]func(*world){
		"that was lost": func(w *world) {
			w.store.OnBroadcast = func(context.Context, []byte, storetest.BroadcastFunc) error { return nil }
		},
		"that could not be sent": func(w *world) {
			w.store.OnBroadcast = func(context.Context, []byte, storetest.BroadcastFunc) error { return errBroken }
		},
		"of a store that cannot broadcast": silent,
		"as nothing can be heard": func(w *world) {
			w.store.OnListen = func(context.Context, func(), func([]byte), storetest.ListenFunc) error { return errors.New("no") }
		},
	} {
		bubble(name, t, func(t *testing.T) {
			p := newPair(t, 0, setUp)
			p.hold(t, renewed)
			if took := p.wait(t, 2, nil); took < takes || took > takes+time.Second {
				t.Errorf("woken after %v", took)
			}
		})
	}
}
