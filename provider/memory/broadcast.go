package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/listening"
)

var (
	_ provider.Broadcaster = (*Provider)(nil)
	_ provider.Broadcaster = shared{}
)

// Broadcast implements provider.Broadcaster. Messages reach the listeners in this process.
func (p *Provider) Broadcast(ctx context.Context, message []byte) error {
	if err := check(ctx, provider.ValidateMessage(message)); err != nil {
		return err
	}
	p.listeners.tell(message)
	return nil
}

// Listen implements provider.Broadcaster. It ends with ctx, or if 1,024 messages wait for
// heard and another one arrives.
func (p *Provider) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return listening.Listen(ctx, "memory", ready, heard, func(ctx context.Context, begin func(), deliver func([]byte)) error {
		remove := p.listeners.add(deliver)
		defer remove()
		begin()
		<-ctx.Done()
		return fmt.Errorf("memory: %w", ctx.Err())
	})
}

func (s shared) Broadcast(ctx context.Context, message []byte) error {
	return s.p.Broadcast(ctx, message)
}

func (s shared) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return s.p.Listen(ctx, ready, heard)
}

// listeners are the calls of Listen.
type listeners struct {
	mu  sync.RWMutex
	all map[*func([]byte)]struct{}
}

// add adds a function for each message, and returns a function that removes it.
func (l *listeners) add(deliver func([]byte)) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = make(map[*func([]byte)]struct{})
	}
	l.all[&deliver] = struct{}{}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, &deliver)
	}
}

// tell passes a message to all.
func (l *listeners) tell(message []byte) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for deliver := range l.all {
		(*deliver)(message)
	}
}
