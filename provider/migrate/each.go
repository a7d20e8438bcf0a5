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
}

// each lists from and calls do for the entries in some states, several at a time. The
// functions that do returns are called one at a time. A damaged marker is an error.
func (p *Provider) each(ctx context.Context, parallel int, wanted func(state) bool, do func(listed) func()) error {
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
		if wanted(e.state) {
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
		e, err := entryOf(stored)
		switch {
		case err != nil:
			return err
		case e.state == reservation:
			return errSwapped
		}
		yield(listed{stored.ID, e})
	}
	return nil
}
