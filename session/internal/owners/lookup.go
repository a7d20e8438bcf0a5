package owners

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// lookup is the result of loading the sessions of a label.
type lookup struct {
	live       []member // the oldest first
	pending    []entry  // absent or without the label, but perhaps about to be saved
	unreadable []entry
	stale      []entry
}

type member struct {
	entry
	*records.Content
}

// Member is a session of a label.
type Member struct {
	ID      string
	Content *records.Content
}

// Sessions returns the sessions of a label, the one that was entered last first. It removes
// stale entries.
func (x *Index) Sessions(ctx context.Context, of records.Label) (members []Member, err error) {
	a := x.store.Access(ctx, nil)
	index, err := x.fetch(&a, of)
	if err != nil || index == nil {
		return nil, err
	}
	at := records.Now()
	found, err := x.lookUp(ctx, ctx, of, entriesOf(index, at), at)
	if err != nil {
		return nil, err
	}
	if len(found.stale) > 0 {
		x.remove(&a, of, found.stale...)
	}
	for _, m := range slices.Backward(found.live) {
		members = append(members, Member{m.id, m.Content})
	}
	return members, nil
}

// lookUp looks up the sessions of these entries, each with its own Timeout, until ctx
// ends. Caller is the context of the code that asked for the commit.
func (x *Index) lookUp(ctx, caller context.Context, of records.Label, entries []entry, at envelope.Time) (lookup, error) {
	var found lookup
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.since, b.since) })
	results := x.fetchAll(ctx, caller, entries)
	for _, r := range results {
		if r.err != nil && !errors.Is(r.err, records.ErrUnreadable) {
			return lookup{}, r.err
		}
	}
	for i, e := range entries {
		switch c := results[i].content; {
		case results[i].err != nil:
			found.unreadable = append(found.unreadable, e)
		case e.stale(c, of, at), c != nil && x.opts.Lifetimes.Revoked(c):
			found.stale = append(found.stale, e)
		case c != nil && c.Has(of) && !x.opts.Lifetimes.Expired(c):
			found.live = append(found.live, member{e, c})
		default:
			found.pending = append(found.pending, e)
		}
	}
	return found, nil
}

// fetched is the record that was read for an entry; a nil content means no record.
type fetched struct {
	content *records.Content
	err     error
}

var errNotFetched = fmt.Errorf("%w: a session in the list was not looked up", records.ErrUnavailable)

// fetchAll reads the records of these entries. After a failure it reads no more.
func (x *Index) fetchAll(ctx, caller context.Context, entries []entry) []fetched {
	results := make([]fetched, len(entries))
	var failed atomic.Bool
	x.each(len(entries), func(i int) {
		results[i].err = errNotFetched // also if the provider ends the goroutine
		switch {
		case ctx.Err() != nil:
			results[i].err = records.Unavailable(context.Cause(ctx))
		case !failed.Load():
			a := x.store.Access(caller, nil)
			results[i].content, results[i].err = a.Fetch(entries[i].id)
		}
		if err := results[i].err; err != nil && !errors.Is(err, records.ErrUnreadable) {
			failed.Store(true)
		}
	})
	return results
}

// maxParallel is the number of sessions of a list that are read in parallel.
const maxParallel = 8

// each calls do with 0 to n-1, in parallel unless the store is in this process. It panics
// if a call panics.
func (x *Index) each(n int, do func(i int)) {
	workers := min(n, maxParallel)
	if x.store.InProcess() || workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var panicked atomic.Pointer[any]
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panicked.Store(&p)
				}
			}()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	all.Wait()
	if p := panicked.Load(); p != nil {
		panic(*p)
	}
}

// entries returns the entries that stay in the index.
func (l *lookup) entries() []entry {
	entries := slices.Concat(l.pending, l.unreadable)
	for _, m := range l.live {
		entries = append(entries, m.entry)
	}
	return entries
}

func (l *lookup) lives(id string) bool {
	return slices.ContainsFunc(l.live, func(m member) bool { return m.id == id })
}
