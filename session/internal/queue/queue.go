// Package queue makes the requests that compete for one record take turns, first come
// first served. It improves throughput but is not a lock: correctness depends on
// compare-and-swap only, and a request that has waited too long goes ahead.
package queue

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
)

// Queues are process-wide: two Managers on one store compete as well.
var (
	seed   = maphash.MakeSeed()
	shards [64]shard
)

type shard struct {
	mu     sync.Mutex
	queues map[string][]*Ticket // the first ticket of each is being served
}

// Ticket is a place in a queue. A nil *Ticket is no place; its Leave does nothing.
type Ticket struct {
	key   string
	ready chan struct{} // closed when it is served
}

// Join waits in the queue of key until the ticket is served, and reports whether it had
// to wait. It returns a nil Ticket if ctx ends first.
func Join(ctx context.Context, key string) (t *Ticket, waited bool) {
	sh := shardOf(key)
	t = &Ticket{key: key, ready: make(chan struct{})}
	sh.mu.Lock()
	if sh.queues == nil {
		sh.queues = make(map[string][]*Ticket)
	}
	sh.queues[key] = append(sh.queues[key], t)
	first := len(sh.queues[key]) == 1
	sh.mu.Unlock()
	if first {
		return t, false
	}
	select {
	case <-t.ready:
		return t, true
	case <-ctx.Done():
		t.Leave()
		return nil, true
	}
}

// Leave gives up the ticket. If it was being served, the next one is.
func (t *Ticket) Leave() {
	if t == nil {
		return
	}
	sh := shardOf(t.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	queue := sh.queues[t.key]
	at := slices.Index(queue, t)
	if at < 0 {
		return
	}
	queue = slices.Delete(queue, at, at+1)
	if len(queue) == 0 {
		delete(sh.queues, t.key)
		return
	}
	sh.queues[t.key] = queue
	if at == 0 {
		close(queue[0].ready)
	}
}

// Busy reports whether somebody has a place in the queue of key.
func Busy(key string) bool {
	sh := shardOf(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return len(sh.queues[key]) > 0
}

func shardOf(key string) *shard {
	return &shards[maphash.String(seed, key)%uint64(len(shards))]
}
