// Package expiring keeps the functions that providers call with the records that they
// remove because they have expired.
package expiring

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/provider"
)

// Listeners are the functions of provider.Expirer. The zero value has none. They are safe
// for concurrent use.
type Listeners struct {
	mu  sync.Mutex
	fns atomic.Pointer[[]*func(*provider.Record)] // replaced, never changed
}

// Add adds a function until stop is called.
func (l *Listeners) Add(fn func(*provider.Record)) (stop func()) {
	l.edit(func(fns []*func(*provider.Record)) []*func(*provider.Record) { return append(fns, &fn) })
	return func() {
		l.edit(func(fns []*func(*provider.Record)) []*func(*provider.Record) {
			return slices.DeleteFunc(fns, func(f *func(*provider.Record)) bool { return f == &fn })
		})
	}
}

func (l *Listeners) edit(change func([]*func(*provider.Record)) []*func(*provider.Record)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fns := change(slices.Clone(l.all()))
	l.fns.Store(&fns)
}

func (l *Listeners) all() []*func(*provider.Record) {
	if fns := l.fns.Load(); fns != nil {
		return *fns
	}
	return nil
}

// Any reports whether there are functions.
func (l *Listeners) Any() bool { return len(l.all()) > 0 }

// Tell calls each function with a record of its own.
func (l *Listeners) Tell(rec *provider.Record) {
	for _, fn := range l.all() {
		(*fn)(rec.Clone())
	}
}
