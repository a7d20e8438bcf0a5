package readcache

import (
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Fetch returns the copy of a record if it may be used by a browser that has seen the commit
// of that number. Otherwise it calls read, and returns its result with no age.
//
// While another Fetch of the same record runs its read, Fetch waits for that read to return,
// for MaxWait at most, and looks for the copy once more. So the requests that a page sends at
// once cause one read. What may be used is decided as if there had been no wait.
func (c *Cache) Fetch(id string, commits int64, read func() (*records.Content, error)) (Copy, error) {
	found, result := c.get(id, commits)
	if result != hit && result != deaf { // no copy may be used while messages are missed
		end, underWay := c.beginRead(id)
		if underWay == nil {
			defer end()
		} else if c.await(underWay) {
			if again, now := c.get(id, commits); now == hit {
				found, result = again, hit
			}
		}
	}
	c.counters.count(result)
	if result == hit {
		return found, nil
	}
	content, err := read()
	return Copy{Content: content}, err
}

// beginRead notes that a record is being read, until end is called. If another Fetch is
// reading it, it returns the channel that is closed at the end of that instead.
func (c *Cache) beginRead(id string) (end func(), underWay <-chan struct{}) {
	mine := make(chan struct{})
	if other, begun := c.reading.LoadOrStore(id, mine); begun {
		return nil, other.(chan struct{})
	}
	return func() {
		c.reading.Delete(id)
		close(mine)
	}, nil
}

// await reports whether the read has ended within MaxWait.
func (c *Cache) await(underWay <-chan struct{}) bool {
	limit := time.NewTimer(c.opts.MaxWait)
	defer limit.Stop()
	select {
	case <-underWay:
		return true
	case <-limit.C:
		return false
	}
}
