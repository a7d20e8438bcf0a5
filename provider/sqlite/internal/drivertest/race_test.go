package drivertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// Many writers append to a list in one record, with nothing to go by but the conflicts
// and the records in them: a conflict that is reported for what has landed makes an item
// appear twice, one that is not reported loses items, and a current record that never was
// breaks the chain.
func TestContention(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, path := b.store(t)
		q, _ := b.at(t, path)
		contend(t, p, q)
	})
}

func TestContentionInOnePool(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, _, path := b.store(t)
		contend(t, sqlite.New(b.open(t, path, writing...)))
	})
}

const (
	writers = 20
	items   = 15 // of each writer
)

func contend(t *testing.T, instances ...provider.Provider) {
	t.Helper()
	rec := storetest.NewRecord()
	rec.Data = nil
	storetest.Save(t, instances[0], rec, 0, nil)

	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for range items {
				if err := add(ctx, instances[w%len(instances)], rec, byte(w)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()

	got, err := instances[0].Fetch(t.Context(), rec.ID)
	if err != nil {
		t.Fatal(err)
	}
	count := map[byte]int{}
	for _, item := range got.Data {
		count[item]++
	}
	for w := range writers {
		if n := count[byte(w)]; n != items {
			t.Errorf("%d items of writer %d, want %d", n, w, items)
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

// Writers of one Provider do not compete for the lock: only one of them tries to get it.
func TestWritersTakeTurns(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, db, path := b.store(t)
		var wire tap
		var mu sync.Mutex
		at, most := map[string]bool{}, 0
		wire.before = func(id string) {
			mu.Lock()
			defer mu.Unlock()
			at[id] = true
			most = max(most, len(at))
		}
		p := sqlite.New(wire.open(t, b, path, writing...))
		blocker := lock(t, db)
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if err := p.Save(background(t), storetest.NewRecord(), 0); err != nil {
					t.Error(err)
				}
			})
		}
		tries := 0
		storetest.Eventually(t, "trying", func() bool { tries += len(wire.statements("INSERT")); return tries > 20 })
		mu.Lock()
		if most != 1 {
			t.Errorf("%d writers tried to get the lock, want 1", most)
		}
		mu.Unlock()
		blocker.commit()
		wg.Wait()
	})
}
