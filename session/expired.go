package session

import (
	"context"
	"runtime"
	"sync"
	"weak"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// observeExpired makes p tell the Observer which sessions have expired, if it can, for as
// long as the Manager is in use.
func (m *Manager) observeExpired(p provider.Provider) {
	expirer, ok := p.(provider.Expirer)
	if !ok || m.engine.Observer == nil {
		return
	}
	self := weak.Make(m)
	stop := expirer.OnExpired(func(rec *provider.Record) {
		if m := self.Value(); m != nil {
			m.noteRemoved(rec)
		}
	})
	runtime.AddCleanup(m, func(stop func()) { stop() }, stop)
}

// noteRemoved reports the end of the session in an expired record, if it holds one.
func (m *Manager) noteRemoved(rec *provider.Record) {
	if rec.Format == records.OwnerIndexFormat || !m.knowsFormat(rec.Format) {
		return
	}
	e, err := envelope.Decode(rec.ID, rec.Data)
	if err != nil || e.Tombstone {
		return
	}
	m.engine.Observer.Report(context.Background(), observe.Event{Op: observe.End, PublicID: rec.ID, Owner: e.Owner, EndReason: observe.Expired})
}

// noteEnd appends the end of a session that a request has found over its time or missing,
// unless that was reported a while ago.
func (m *Manager) noteEnd(ends []observe.Event, id, owner string, why observe.EndReason) []observe.Event {
	if m.engine.Observer == nil || !m.missed.first(id) {
		return ends
	}
	return append(ends, observe.Event{Op: observe.End, PublicID: id, Owner: owner, EndReason: why})
}

// loadEvents are the events of one load.
type loadEvents struct {
	load observe.Event
	more []observe.Event // ends and faults
}

func (e *loadEvents) report(ctx context.Context, o observe.Observer) {
	for _, event := range e.more {
		o.Report(ctx, event)
	}
	o.End(ctx, e.load)
}

// maxMissed is the number of sessions after which a missed forgets the earlier ones.
const maxMissed = 4096

// missed remembers the last sessions that requests have missed, since browsers send their
// cookies again and again. The zero value is empty.
type missed struct {
	mu           sync.Mutex
	newer, older map[string]struct{}
}

// first reports whether id was not among the last ones, and remembers it.
func (s *missed) first(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, isNewer := s.newer[id]
	_, isOlder := s.older[id]
	if isNewer || isOlder {
		return false
	}
	if s.newer == nil || len(s.newer) >= maxMissed {
		s.newer, s.older = map[string]struct{}{}, s.newer
	}
	s.newer[id] = struct{}{}
	return true
}
