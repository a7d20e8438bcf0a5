package memory

import "sync/atomic"

// A budget counts the bytes of all shards.
type budget struct {
	max  int64
	used atomic.Int64
}

// kept is the part of the budget that is kept from new records for those that exist,
// and for the sessions of who is known: a sixteenth.
func (b *budget) kept() int64 { return b.max / 16 }

// reserve takes n bytes if so many of the budget are left afterwards.
func (b *budget) reserve(n, left int64) bool {
	for {
		used := b.used.Load()
		if n > b.max-left-used {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// add takes n bytes whether they fit or not, or gives -n back.
func (b *budget) add(n int64) { b.used.Add(n) }
