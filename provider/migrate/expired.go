package migrate

import (
	"sync"

	"github.com/holdfast-go/holdfast/provider"
)

var _ provider.Expirer = (*Provider)(nil)

// OnExpired implements provider.Expirer if one of the stores does. It calls fn with the
// records that either store removes, but not with markers, reservations and what a Delete
// leaves.
func (p *Provider) OnExpired(fn func(*provider.Record)) (stop func()) {
	tell := func(stored *provider.Record) {
		if e, err := entryOf(stored); err == nil && e.state == plain && !isTombstone(e.rec) {
			fn(e.rec)
		}
	}
	stopFrom, stopTo := provider.OnExpired(p.from, tell), provider.OnExpired(p.to, tell)
	return sync.OnceFunc(func() {
		stopFrom()
		stopTo()
	})
}
