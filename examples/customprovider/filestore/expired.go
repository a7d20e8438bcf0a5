package filestore

import (
	"sync"

	"github.com/holdfast-go/holdfast/provider"
)

var _ provider.Expirer = (*Store)(nil)

// listeners are the functions of OnExpired.
type listeners struct {
	mu  sync.Mutex
	fns map[*func(*provider.Record)]bool
}

// OnExpired implements provider.Expirer. Sweep calls fn with the records that it is about to
// remove, and keeps their group locked meanwhile.
func (s *Store) OnExpired(fn func(*provider.Record)) (stop func()) {
	l := &s.expired
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fns == nil {
		l.fns = map[*func(*provider.Record)]bool{}
	}
	l.fns[&fn] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.fns, &fn)
	}
}

// tell calls each function with a record of its own.
func (l *listeners) tell(rec *provider.Record) {
	l.mu.Lock()
	var fns []func(*provider.Record)
	for fn := range l.fns {
		fns = append(fns, *fn)
	}
	l.mu.Unlock()
	for _, fn := range fns {
		fn(rec.Clone())
	}
}
