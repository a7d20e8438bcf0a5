package memory

import "sync/atomic"

// A budget counts the bytes of all shards.
type budget struct {
	max  int64
	used atomic.Int64
}

// fits reports whether there is room for n bytes. What is used may be over max.
func (b *budget) fits(n int64) bool { return n <= b.max-b.used.Load() }

// reserve takes n bytes if they fit.
func (b *budget) reserve(n int64) bool {
	for {
		used := b.used.Load()
		if n > b.max-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// add takes n bytes whether they fit or not, or gives -n back.
func (b *budget) add(n int64) { b.used.Add(n) }
