package leases_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// A waiter stands before its instance's store. Until a message says that a lease was
// released, it shows the session as it was when the request began to wait: a look at it
// without a message finds nothing new.
type waiter struct {
	listening chan struct{} // closed when messages are heard

	mu    sync.Mutex
	told  bool // of a lease that was released
	first *provider.Record
}

func (w *waiter) listen(ctx context.Context, ready func(), heard func([]byte), next storetest.ListenFunc) error {
	return next(ctx, func() {
		ready()
		close(w.listening)
	}, func(message []byte) {
		if message[0] == 2 {
			w.mu.Lock()
			w.told = true
			w.mu.Unlock()
		}
		heard(message)
	})
}

func (w *waiter) fetch(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
	rec, err := next(ctx, id)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err != nil || w.told:
		return rec, err
	case w.first == nil:
		w.first = rec.Clone()
	}
	return w.first.Clone(), nil
}

// A request that waits for the lease of another process is woken by the message of that
// process, with one connection that listens.
func TestAWaiterIsWokenByTheMessage(t *testing.T) {
	stores.EachProvider(t, func(t *testing.T, store stores.Store) {
		if store.Name == stores.Memory.Name {
			return // its instances share a process
		}
		a := newApp(t, store)
		if err := provider.Broadcast(t.Context(), a.here.store.Provider, []byte{0}); errors.Is(err, errors.ErrUnsupported) {
			t.Logf("%s cannot broadcast", store.Name)
			return
		}
		cookie := a.begin("ann's")
		held := a.goPage(a.urls[1], cookie, "&at=held")
		a.tokens.waitAtGate("ann's")

		w := &waiter{listening: make(chan struct{})}
		a.here.store.OnFetch, a.here.store.OnListen = w.fetch, w.listen
		waits := a.goPage(a.urls[0], cookie, "")
		select {
		case <-w.listening:
		case <-time.After(patience):
			t.Fatal("nothing listens")
		}
		a.tokens.release("ann's")
		first, second := <-held, <-waits
		if !strings.HasPrefix(first, "200 1 ") || second != first {
			t.Errorf("the holder got %s, the one that waited %s", first, second)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.told {
			t.Error("no message came, and the wait ended with the lease")
		}
		if n := a.here.store.Listens.Load(); n != 1 {
			t.Errorf("Listen was called %d times", n)
		}
		a.tokens.want(t, "ann's", 1, 0)
	})
}

// goPage asks an instance for a page with a token of generation 1, and returns where the
// answer comes.
func (a *app) goPage(instance string, cookie *http.Cookie, args string) <-chan string {
	answer := make(chan string, 1)
	go func() {
		status, text, err := a.page(instance, cookie, 1, args)
		if err != nil {
			text = err.Error()
		}
		answer <- fmt.Sprint(status, " ", text)
	}()
	return answer
}
