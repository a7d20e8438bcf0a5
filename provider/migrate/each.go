package migrate

import (
	"cmp"
	"context"
	"sync"

	"github.com/holdfast-go/holdfast/provider"
)

// listed is an entry of a listing of from.
type listed struct {
	id string
	entry
	damaged error // the entry is a marker that cannot be read
}

// isLeft reports whether the record is not moved.
func (e listed) isLeft() bool { return e.damaged != nil || e.state == plain || e.state == moving }

// each lists from and calls do for some entries, several at a time. The functions that do
// returns are called one at a time.
func (p *Provider) each(ctx context.Context, parallel int, wanted func(listed) bool, do func(listed) func()) error {
	entries := make(chan listed)
	var workers sync.WaitGroup
	var turn sync.Mutex
	for range cmp.Or(max(parallel, 0), defaultParallel) {
		workers.Go(func() {
			for e := range entries {
				result := do(e)
				turn.Lock()
				result()
				turn.Unlock()
			}
		})
	}
	err := p.list(ctx, func(e listed) {
		if wanted(e) {
			entries <- e
		}
	})
	close(entries)
	workers.Wait()
	return err
}

// list calls yield for each entry of from.
func (p *Provider) list(ctx context.Context, yield func(listed)) error {
	for stored, err := range provider.List(ctx, p.from, "") {
		if err != nil {
			return inFrom(err)
		}
		e, damaged := entryOf(stored)
		if e.state == reservation {
			return errSwapped
		}
		yield(listed{stored.ID, e, damaged})
	}
	return nil
}
