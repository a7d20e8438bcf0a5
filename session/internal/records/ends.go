package records

import (
	"context"
	"time"
)

// noteEnd is called after c was saved. If c ends a session, it tells Options.Ended so. A
// claim is a tombstone that replaces another one, and ends nothing.
func (s *Store) noteEnd(a *Access, id string, c *Content) {
	if !c.Tombstone || c.Claim != "" {
		return
	}
	if g, ok := a.caller.Value(gatheringKey{s}).(*gathering); ok {
		g.add(id)
		return
	}
	s.opts.Ended(id)
}

// gatheringKey is the context key of a gathering of that Store.
type gatheringKey struct{ store *Store }

// gathering collects the IDs of sessions that one caller ends, which would otherwise be
// told one by one. It is for one goroutine.
type gathering struct {
	store *Store
	ids   []string
	since time.Time // when the first of ids was added
}

const (
	// gatheringTime is how long the end of a session may be kept back.
	gatheringTime = 100 * time.Millisecond

	// gatheringSize is the maximum number of sessions whose ends are kept back.
	gatheringSize = 100
)

// GatherEnds returns a context for a caller that ends many sessions: Options.Ended is
// called for several of them at once, and for the last ones by tell.
func (s *Store) GatherEnds(ctx context.Context) (gathered context.Context, tell func()) {
	if s.opts.Ended == nil {
		return ctx, func() {}
	}
	g := &gathering{store: s}
	return context.WithValue(ctx, gatheringKey{s}, g), g.tell
}

func (g *gathering) add(id string) {
	if len(g.ids) == 0 {
		g.since = time.Now()
	}
	g.ids = append(g.ids, id)
	if len(g.ids) >= gatheringSize || time.Since(g.since) >= gatheringTime {
		g.tell()
	}
}

func (g *gathering) tell() {
	if len(g.ids) > 0 {
		g.store.opts.Ended(g.ids...)
		g.ids = nil
	}
}
