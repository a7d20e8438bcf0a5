package session

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Watch returns a context that ends when the session is destroyed, revoked or renewed, or
// when it expires, on whatever instance. The cause of its end is then ErrEnded, which
// [context.Cause] returns. It also ends when ctx does, or when the CancelFunc is called,
// which releases what Watch has set up; so does the end of ctx. Watch is for long-lived
// connections, such as events and websockets, and for long polls. It works during the
// request and after it, and in sessions of [Manager.Sessions] and [Manager.Update].
//
// Watch does not count as use of the session. A session that is in use by others, or by
// [Session.Touch], stays alive and its context does not end. The store decides what has
// expired, except that Config.Lifetime is counted by the clock of this instance.
//
// If the provider is a provider.Broadcaster, an end is noticed as soon as the message of
// the other instance arrives. A message may be lost, and some stores cannot broadcast: then
// the end is noticed within Config.WatchInterval. An end in this Manager is noticed at
// once, and so are the idle timeout and the lifetime. While the store cannot be read, the
// context does not end.
//
// Watch takes no storage trip itself. In the background, each watched session is read once
// at the first Watch, and then in each Config.WatchInterval, when it is about to expire,
// and whenever listening to messages begins or ends. However many contexts watch a
// session, that is one read; at most eight sessions are read at a time.
//
// Watch follows the ID that the session has now. A session that is not stored yet has
// none, nor has one after Destroy: the context has ended already. So call Save first
// if the request has begun or renewed the session. A renewal by the same request ends the
// context when it is committed, like a renewal by any other. If a handler runs again after
// a conflict, the context of the discarded run ends with its r.Context(); pass that, or
// defer the CancelFunc.
func (s *Session) Watch(ctx context.Context) (context.Context, context.CancelFunc) {
	id := s.transaction().PublicID()
	return s.m.watches.Watch(ctx, id)
}

// WatchStats describes what a Manager does for Session.Watch at present.
type WatchStats struct {
	Contexts  int  // contexts of Watch that have not ended
	Sessions  int  // sessions that they watch
	Listening bool // messages of other instances are heard; false if nothing is watched, or if the provider cannot broadcast
}

// WatchStats returns what the Manager does for Session.Watch at present, for metrics.
func (m *Manager) WatchStats() WatchStats {
	m.check()
	st := m.watches.Stats()
	return WatchStats{Contexts: st.Watchers, Sessions: st.Sessions, Listening: st.Listening}
}

// backgroundCall returns the context of one storage call outside of any request.
func (m *Manager) backgroundCall() (ctx context.Context, end func()) {
	ctx, call := m.records.Context(context.Background(), time.Now().Add(m.engine.Timeout))
	return ctx, call.End
}

// checkWatched reads a session. It returns when the session expires, or why it is not
// alive.
func (m *Manager) checkWatched(id string) (expires time.Time, err error) {
	ctx, end := m.backgroundCall()
	defer end()
	c, err := m.records.Fetch(ctx, id)
	if err == nil {
		err = m.meet(ctx, c)
	}
	if err != nil {
		return time.Time{}, err
	}
	if err := m.engine.Lifetimes.Live(c); err != nil {
		return time.Time{}, err
	}
	return records.Earlier(c.Expires, m.engine.Lifetimes.End(c)).Std(), nil
}
