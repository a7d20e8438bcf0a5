package memory

import (
	"context"
	"iter"
	"strings"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

// List implements provider.Lister. It yields a record twice only if the record was
// deleted and created again during the iteration.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "memory", prefix, p.pages(prefix))
}

func (p *Provider) pages(prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		for i := range p.shards {
			for chunk := range p.shards[i].chunks(prefix) {
				if !yield(records(chunk), nil) {
					return
				}
			}
		}
	}
}

func records(entries []entry) []*provider.Record {
	recs := make([]*provider.Record, len(entries))
	for i, e := range entries {
		recs[i] = e.rec.Clone()
	}
	return recs
}

// chunkSize is the number of entries that a listing visits before it unlocks the shard.
// That takes about ten microseconds.
const chunkSize = 256

// chunks yields copies of the live entries, without holding the lock. The map may change
// in between: an entry that stays is visited once, and a new one may be visited.
// https://go.dev/ref/spec#For_range
func (s *shard) chunks(prefix string) iter.Seq[[]entry] {
	return func(yield func([]entry) bool) {
		var chunk []entry
		looked := 0
		s.mu.Lock()
		for id, e := range s.entries {
			if strings.HasPrefix(id, prefix) && !e.expired(now()) {
				chunk = append(chunk, entry{content: e.content})
			}
			if looked++; looked%chunkSize != 0 {
				continue
			}
			s.mu.Unlock()
			if !yield(chunk) {
				return
			}
			chunk = chunk[:0]
			s.mu.Lock()
		}
		s.mu.Unlock()
		yield(chunk)
	}
}
