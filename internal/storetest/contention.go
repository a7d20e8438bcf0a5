package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
)

const (
	contenders = 20
	items      = 15 // of each contender
)

// Contend lets many writers append to a list in one record, with nothing to go by but the
// conflicts and the records in them: a conflict that is reported for what has landed makes
// an item appear twice, one that is not reported loses items, and a current record that
// never was breaks the chain. The writers use the instances, which share a store, in turn.
func Contend(tb testing.TB, instances ...provider.Provider) {
	tb.Helper()
	rec := NewRecord()
	rec.Data = nil
	Save(tb, instances[0], rec, 0, nil)

	ctx, cancel := context.WithTimeout(tb.Context(), Patience)
	defer cancel()
	var wg sync.WaitGroup
	for w := range contenders {
		wg.Go(func() {
			for range items {
				if err := add(ctx, instances[w%len(instances)], rec, byte(w)); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()

	got, err := instances[0].Fetch(tb.Context(), rec.ID)
	if err != nil {
		tb.Fatal(err)
	}
	count := map[byte]int{}
	for _, item := range got.Data {
		count[item]++
	}
	for w := range contenders {
		if n := count[byte(w)]; n != items {
			tb.Errorf("%d items of writer %d, want %d", n, w, items)
		}
	}
}

// add appends an item to the list, starting from what was once there.
func add(ctx context.Context, p provider.Provider, base *provider.Record, item byte) error {
	for {
		n := base.Clone()
		n.Version = 1 + rand.Int64N(1<<62)
		n.Data = append(n.Data, item)
		err := p.Save(ctx, n, base.Version)
		conflict, ok := errors.AsType[*provider.ConflictError](err)
		switch {
		case err == nil:
			return nil
		case !ok || conflict.Current == nil:
			return fmt.Errorf("got error %w, want a conflict with the current record", err)
		case len(conflict.Current.Data) < len(base.Data) || conflict.Current.Version == base.Version:
			return fmt.Errorf("the current record of a conflict is older than the one expected")
		}
		base = conflict.Current
	}
}
