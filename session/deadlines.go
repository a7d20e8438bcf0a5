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
	next  time.Time // when the timer goes off that counts; past, if there is none
}

func (d *deadlines) add(c *callContext) {
	d.mu.Lock()
	defer d.mu.Unlock()
	heap.Push(&d.queue, c)
	first, now := d.queue[0].deadline, time.Now()
	if first.Before(d.next) || d.next.Before(now) || now.Before(bubbles) {
		d.set(first, now)
	}
}

// bubbles is what the clocks of testing/synctest are before: they begin in 2000. There
// the timer may be one of a bubble that is gone, and never go off.
var bubbles = time.Date(2010, time.January, 1, 0, 0, 0, 0, time.UTC)

func (d *deadlines) remove(c *callContext) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.place >= 0 {
		heap.Remove(&d.queue, c.place)
	}
}

// set makes a timer the one that counts.
func (d *deadlines) set(at, now time.Time) {
	d.next = at
	time.AfterFunc(at.Sub(now), func() {
		for _, c := range d.due(at) {
			c.end(context.DeadlineExceeded)
		}
	})
}

// due takes out the contexts that are to end, and sets the timer for those that are
// left. It is called when the one that was set to that time goes off.
func (d *deadlines) due(at time.Time) (due []*callContext) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.next.Equal(at) {
		return nil // another one counts
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
	c.place = -1
	return c
}
