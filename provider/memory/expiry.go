package memory

import "container/heap"

// An expiryQueue holds the entries that will expire, ordered by expiry, so that a sweep
// visits no others.
type expiryQueue struct{ entries expiryHeap }

// unqueued is the place of an entry that is not in the queue.
const unqueued = -1

// first returns the entry that expires first, or nil.
func (q *expiryQueue) first() *entry {
	if len(q.entries) == 0 {
		return nil
	}
	return q.entries[0]
}

// update moves e to the position of its expiry.
func (q *expiryQueue) update(e *entry) {
	switch {
	case e.expires == 0:
		q.drop(e)
	case e.place == unqueued:
		heap.Push(&q.entries, e)
	default:
		heap.Fix(&q.entries, e.place)
	}
}

// drop removes e if it is in the queue.
func (q *expiryQueue) drop(e *entry) {
	if e.place != unqueued {
		heap.Remove(&q.entries, e.place)
	}
}

// expiryHeap implements heap.Interface and keeps every entry's place.
type expiryHeap []*entry

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires < h[j].expires }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.place = len(*h)
	*h = append(*h, e)
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.place = unqueued
	return e
}
