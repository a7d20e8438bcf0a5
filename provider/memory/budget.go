package memory

import "sync/atomic"

// A budget counts the bytes of all shards.
type budget struct {
	max  int64
	used atomic.Int64
}

// kept is the part of the budget that new records may not use: a sixteenth. It is kept
// for existing records and for saves that may use the reserve.
func (b *budget) kept() int64 { return b.max / 16 }

// reserve takes n bytes if at least left bytes of the budget remain.
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

// add takes n bytes even if they do not fit. A negative n gives bytes back.
func (b *budget) add(n int64) { b.used.Add(n) }
