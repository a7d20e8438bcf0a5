package httpstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

const (
	pageRecords = 256
	pageBytes   = 1 << 20 // of Data, and one record more

	// A listing that nobody continues is forgotten: its client begins again if it comes
	// back. It holds a page or two of memory, and neither a lock nor a connection of the
	// store, as provider.Lister demands.
	maxListings = 64
	listingIdle = 5 * time.Minute

	pageTimeout = 30 * time.Second // for a client to take a page
)

// A listing is an iteration over the store that stands still between two pages.
type listing struct {
	name   string
	cancel context.CancelFunc // of the iteration
	next   func() (*provider.Record, error, bool)
	stop   func()
	used   time.Time   // of listings
	timer  *time.Timer // of listings; forgets it

	mu    sync.Mutex // held while a page is read
	over  bool
	pages int    // read so far
	last  []byte // the answer to the last one, in case that gets lost
}

// newListing returns one that has done nothing yet.
func newListing(store provider.Provider, prefix string) *listing {
	ctx, cancel := context.WithCancel(context.Background())
	next, stop := iter.Pull2(provider.List(ctx, store, prefix))
	return &listing{name: rand.Text(), cancel: cancel, next: next, stop: stop}
}

// end releases what the iteration holds.
func (l *listing) end() {
	l.cancel() // a page that is being read ends soon
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.stop()
}

// page returns the answer with a page, the next one or once more the last one, and
// whether others follow.
func (l *listing) page(ctx context.Context, number int) (body []byte, more bool, f *failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.over, number != l.pages && number != l.pages-1:
		return nil, false, refusal(kindCursorGone, goneDetail)
	case number == l.pages-1:
		return l.last, true, nil
	}
	unwatch := context.AfterFunc(ctx, l.cancel)
	answer, err := l.read()
	if !unwatch() {
		err = ctx.Err() // the iteration may be in the middle of something
	}
	if err != nil {
		return nil, false, storeFailure(err)
	}
	if body, err = json.Marshal(answer); err != nil {
		panic("httpstore: a page cannot be encoded: " + err.Error())
	}
	l.pages, l.last = l.pages+1, body
	return body, answer.Next != "", nil
}

// read returns the next page.
func (l *listing) read() (page, error) {
	got := page{Records: []pageRecord{}}
	for size := 0; len(got.Records) < pageRecords && size < pageBytes; {
		rec, err, ok := l.next()
		if err != nil || !ok {
			return got, err
		}
		got.Records = append(got.Records, newPageRecord(rec))
		size += len(rec.Data)
	}
	got.Next = l.name + "." + strconv.Itoa(l.pages+1)
	return got, nil
}

// listings are those that have a next page, by the first part of their cursors.
type listings struct {
	mu   sync.Mutex
	open map[string]*listing
}

// find returns the listing of a cursor, or nil, and the number of the page.
func (ls *listings) find(cursor string) (*listing, int) {
	name, number, _ := strings.Cut(cursor, ".")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, 0
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.open[name], n
}

// keep remembers a listing for a while, in place of the one that was not used for the
// longest time if there are too many.
func (ls *listings) keep(l *listing) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.used = time.Now()
	if ls.open[l.name] != nil {
		l.timer.Reset(listingIdle)
		return
	}
	if len(ls.open) >= maxListings {
		oldest := l
		for _, other := range ls.open {
			if other.used.Before(oldest.used) {
				oldest = other
			}
		}
		ls.remove(oldest)
		go oldest.end() // it may wait for a page
	}
	if ls.open == nil {
		ls.open = make(map[string]*listing)
	}
	ls.open[l.name] = l
	l.timer = time.AfterFunc(listingIdle, func() { ls.end(l) })
}

// remove forgets a listing. Call it with the lock.
func (ls *listings) remove(l *listing) {
	delete(ls.open, l.name)
	if l.timer != nil {
		l.timer.Stop()
	}
}

// end forgets a listing and releases what it holds.
func (ls *listings) end(l *listing) {
	ls.mu.Lock()
	ls.remove(l)
	ls.mu.Unlock()
	l.end()
}

const goneDetail = "begin the listing again, without a cursor"

func (h *handler) list(w http.ResponseWriter, r *http.Request) *failure {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		return refusal(kindNoMethod, "")
	}
	// A store may read for minutes until it finds a record with the prefix. Only the client
	// decides how long it waits. But it must take the answer; an error says that there are no
	// deadlines.
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{})
	body, f := h.page(r)
	_ = control.SetWriteDeadline(time.Now().Add(pageTimeout))
	if f != nil {
		return f
	}
	w.Header().Set("Content-Type", contentPage)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)
	if control.Flush() == nil {
		_ = control.SetWriteDeadline(time.Time{}) // the next request over the connection has its own
	}
	return nil
}

// page returns the body of a request's answer.
func (h *handler) page(r *http.Request) ([]byte, *failure) {
	query := r.URL.Query()
	var l *listing
	number := 0
	if cursor := query.Get("cursor"); cursor != "" {
		if l, number = h.listings.find(cursor); l == nil {
			return nil, refusal(kindCursorGone, goneDetail)
		}
	} else {
		prefix, err := decodeID(query.Get("prefix"))
		if err != nil {
			return nil, refusal(kindBadRequest, "the prefix is not in base64url without padding")
		}
		l = newListing(h.store, prefix)
	}
	body, more, f := l.page(r.Context(), number)
	switch {
	case more:
		h.listings.keep(l)
	case f == nil || f.kind.name != kindCursorGone.name: // the answer's body may be asked for again only if more follow
		h.listings.end(l)
	}
	return body, f
}
