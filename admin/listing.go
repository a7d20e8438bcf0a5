package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

const (
	pageSize      = 50               // sessions of a page
	maxLooked     = 2000             // records that are read for a page
	pageTime      = 10 * time.Second // to read a page
	keptPages     = 20               // that a listing can show again
	maxListings   = 16               // that are open at a time
	listingLasts  = 10 * time.Minute // after its last use
	firstPage     = 1
	noSuchListing = "This listing has ended: it was not used for ten minutes, other listings have replaced it, or it began on another instance."
)

var errListingEnded = errors.New("admin: the listing has ended")

// listings are the listings of all sessions that operators are reading. Each is an
// iteration over the store that stands still between two requests, with one page of records
// in memory at most.
type listings struct {
	mu   sync.Mutex
	open map[string]*listing
}

// listing is one iteration over the sessions of the store.
type listing struct {
	id string

	mu     sync.Mutex
	used   time.Time
	next   func() (*session.Info, error, bool)
	stop   func()
	cancel context.CancelFunc
	timer  *time.Timer
	pages  []listPage // the latest, up to keptPages
	first  int        // the number of pages[0]
	looked int        // records that were read so far
	ended  bool       // by close
}

// listPage is one page of a listing.
type listPage struct {
	Rows   []row
	Looked int // records that were read for it and for all pages before
	Number int
	Last   bool // there is nothing after it
}

// begin begins a listing of the store, and reads nothing.
func (l *listings) begin(m *session.Manager) *listing {
	ctx, cancel := context.WithCancel(context.Background())
	next, stop := iter.Pull2(m.Records(ctx, ""))
	n := &listing{id: rand.Text(), used: time.Now(), next: next, stop: stop, cancel: cancel, first: firstPage}
	n.timer = time.AfterFunc(listingLasts, func() { l.end(n) })
	l.mu.Lock()
	if l.open == nil {
		l.open = map[string]*listing{}
	}
	l.open[n.id] = n
	var oldest *listing
	if len(l.open) > maxListings {
		for _, other := range l.open {
			if other != n && (oldest == nil || other.lastUse().Before(oldest.lastUse())) {
				oldest = other
			}
		}
	}
	l.mu.Unlock()
	if oldest != nil {
		l.end(oldest)
	}
	return n
}

// find returns the open listing of that ID, or nil.
func (l *listings) find(id string) *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[id]
}

// end closes a listing.
func (l *listings) end(n *listing) {
	l.mu.Lock()
	delete(l.open, n.id)
	l.mu.Unlock()
	n.close()
}

func (n *listing) close() {
	n.cancel() // also ends a page that is being read
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended, n.pages = true, nil
	n.timer.Stop()
	n.stop()
}
