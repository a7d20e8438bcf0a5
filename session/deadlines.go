package session

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// deadlines are the contexts of calls that are to be ended at theirs. They share a
// timer: one of its own for each would wake a thread of the runtime, at a tenth of the
// price of a query. Nearly all calls are over before, and the timer goes off for none.
type deadlines struct {
	mu    sync.Mutex
	queue deadlineQueue
	timer int       // counts those that were set; only the last one counts
	next  time.Time // when that goes off; past, if it has
}

func (d *deadlines) add(c *callContext) {
	now := time.Now()
	if now.Before(bubbles) {
		c.place = outside
		time.AfterFunc(c.deadline.Sub(now), func() { c.end(context.DeadlineExceeded) })
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	heap.Push(&d.queue, c)
	if c.deadline.Before(d.next) || d.next.Before(now) {
		d.set(d.queue[0].deadline, now)
	}
}

// bubbles is what the clocks of testing/synctest are before: they begin in 2000. A
// timer of one bubble must not be shared with another, or with a call outside of any.
var bubbles = time.Date(2010, time.January, 1, 0, 0, 0, 0, time.UTC)

// outside is the place of a context that is not in the queue.
const outside = -1

func (d *deadlines) remove(c *callContext) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.place != outside {
		heap.Remove(&d.queue, c.place)
	}
}

// set makes a new timer the one that counts.
func (d *deadlines) set(at, now time.Time) {
	d.timer++
	d.next = at
	timer := d.timer
	time.AfterFunc(at.Sub(now), func() {
		for _, c := range d.due(timer) {
			c.end(context.DeadlineExceeded)
		}
	})
}

// due takes out the contexts that are to end when that timer goes off, and sets another
// for those that are left.
func (d *deadlines) due(timer int) (due []*callContext) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if timer != d.timer {
		return nil
	}
	d.next = time.Time{}
	now := time.Now()
	for len(d.queue) > 0 {
		first := d.queue[0]
		if now.Before(first.deadline) {
			d.set(first.deadline, now)
			break
		}
		due = append(due, heap.Pop(&d.queue).(*callContext))
	}
	return due
}

// deadlineQueue implements heap.Interface and keeps every context's place.
type deadlineQueue []*callContext

func (q deadlineQueue) Len() int           { return len(q) }
func (q deadlineQueue) Less(i, j int) bool { return q[i].deadline.Before(q[j].deadline) }

func (q deadlineQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *deadlineQueue) Push(x any) {
	c := x.(*callContext)
	c.place = len(*q)
	*q = append(*q, c)
}

func (q *deadlineQueue) Pop() any {
	last := len(*q) - 1
	c := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	c.place = outside
	return c
}
