// Package lane lets the requests that compete for one record go one after the
// other, first come first served. It is a courtesy, not a lock: correctness
// rests on compare-and-swap alone, and whoever waits too long goes ahead.
package lane

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
)

// Lanes are process-wide: two Managers on one store compete as well.
var (
	seed   = maphash.MakeSeed()
	shards [64]shard
)

type shard struct {
	mu    sync.Mutex
	lanes map[string][]*Turn // the first of each holds the lane
}

// Turn is a place in a lane. A nil *Turn is no place; it may be left too.
type Turn struct {
	key   string
	ready chan struct{} // closed when the turn has come
}

// Enter queues up behind the others of key and returns when the turn has come,
// and whether it had to wait for that. It returns a nil Turn when ctx ends
// first.
func Enter(ctx context.Context, key string) (t *Turn, waited bool) {
	sh := shardOf(key)
	t = &Turn{key: key, ready: make(chan struct{})}
	sh.mu.Lock()
	if sh.lanes == nil {
		sh.lanes = make(map[string][]*Turn)
	}
	sh.lanes[key] = append(sh.lanes[key], t)
	first := len(sh.lanes[key]) == 1
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

// Leave gives the place up, to the next in the lane if its turn had come.
func (t *Turn) Leave() {
	if t == nil {
		return
	}
	sh := shardOf(t.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	lane := sh.lanes[t.key]
	at := slices.Index(lane, t)
	if at < 0 {
		return
	}
	lane = slices.Delete(lane, at, at+1)
	if len(lane) == 0 {
		delete(sh.lanes, t.key)
		return
	}
	sh.lanes[t.key] = lane
	if at == 0 {
		close(lane[0].ready)
	}
}

func shardOf(key string) *shard {
	return &shards[maphash.String(seed, key)%uint64(len(shards))]
}
