package memory

import (
	"fmt"
	"iter"
)

const (
	SweepPerSave  = sweepPerSave
	SweepWhenFull = sweepWhenFull
	ChunkSize     = chunkSize
)

// ChunkSizes yields how many entries a listing copies at a time.
func (p *Provider) ChunkSizes(prefix string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range p.shards {
			for chunk := range p.shards[i].chunks(prefix) {
				if !yield(len(chunk)) {
					return
				}
			}
		}
	}
}

// Listeners returns how many calls of Listen are running.
func (p *Provider) Listeners() int {
	p.listeners.mu.RLock()
	defer p.listeners.mu.RUnlock()
	return len(p.listeners.all)
}

// Audit counts everything anew and returns an error if the books are wrong.
func (p *Provider) Audit() error {
	var used int64
	for i := range p.shards {
		n, err := p.shards[i].audit()
		if err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
		used += n
	}
	if booked := p.budget.used.Load(); booked != used {
		return fmt.Errorf("%d bytes on the books, %d in the shards", booked, used)
	}
	return nil
}

func (s *shard) audit() (used int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue, expiring := s.expiry.entries, 0
	for id, e := range s.entries {
		used += e.cost()
		switch {
		case e.rec.ID != id:
			return 0, fmt.Errorf("entry of %q under %q", e.rec.ID, id)
		case e.expires == 0 && e.place != unqueued:
			return 0, fmt.Errorf("%q never expires but is queued", id)
		case e.expires == 0:
			continue
		case e.place < 0 || e.place >= len(queue) || queue[e.place] != e:
			return 0, fmt.Errorf("%q is not in its place in the queue", id)
		case e.expires < queue[(e.place-1)/2].expires:
			return 0, fmt.Errorf("%q is behind what expires later", id)
		}
		expiring++
	}
	if expiring != len(queue) {
		return 0, fmt.Errorf("%d entries expire, %d are queued", expiring, len(queue))
	}
	return used, nil
}
