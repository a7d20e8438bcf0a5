// Package seeds checks what is drawn from many seeds, some of them at the same time.
package seeds

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

const atATime = 4

// First returns seed, or a random one if it is 0.
func First(seed uint64) uint64 {
	if seed != 0 {
		return seed
	}
	return uint64(rand.Uint32())
}

// Check calls check with n seeds from first on, up to the first that fails. Add gets
// what was seen in each; its calls do not overlap.
func Check[S any](n int, first uint64, check func(seed uint64) (S, error), add func(S)) (failure error) {
	var (
		mu   sync.Mutex
		next atomic.Int64
		wg   sync.WaitGroup
	)
	for range atATime {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				seen, err := check(first + uint64(i) - 1)
				mu.Lock()
				add(seen)
				if err != nil && failure == nil {
					failure = err
					next.Store(int64(n))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failure
}
