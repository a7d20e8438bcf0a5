package drivertest

import (
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

func TestContention(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, path := b.store(t)
		q, _ := b.at(t, path)
		storetest.Contend(t, p, q)
	})
}

func TestContentionInOnePool(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		_, _, path := b.store(t)
		storetest.Contend(t, sqlite.New(b.open(t, path, writing...)))
	})
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
