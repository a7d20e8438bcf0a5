package session

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/holdfast-go/holdfast/provider"
)

// Records iterates over the records of the store whose public ID begins with prefix, as
// [Inspect] describes them, for tools such as package admin. The prefix "" means all
// records. A record that cannot be read is yielded with KindUnreadable, its PublicID and
// its Size.
//
// The store is read by pages while the loop runs, and nothing is read after the loop has
// ended. A record that changes in the meantime may be yielded twice, and the order is not
// defined: see provider.Lister. The records of all Namespaces are yielded, because a record
// does not show its Namespace.
//
// An error is yielded with a nil Info, and ends the iteration. It wraps
// errors.ErrUnsupported if the provider cannot list its records, and ErrUnavailable
// otherwise.
func (m *Manager) Records(ctx context.Context, prefix string) iter.Seq2[*Info, error] {
	m.check()
	return func(yield func(*Info, error) bool) {
		for rec, err := range provider.List(ctx, m.provider, prefix) {
			if errors.Is(err, errors.ErrUnsupported) {
				yield(nil, err)
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("%w: %w", ErrUnavailable, err))
				return
			}
			if !yield(m.inspectReadable(rec), nil) {
				return
			}
		}
	}
}

// Inspect reads the record of that public ID, as [Inspect] describes it, for tools. Like
// Manager.Update it must not be given a public ID from a visitor's request unchecked. It
// takes one storage trip, which counts as no use of the session. A record that cannot be
// read has KindUnreadable, as in Records. The error wraps ErrEnded if there is no such
// record, and ErrUnavailable if the store does not answer within Config.StoreTimeout.
func (m *Manager) Inspect(ctx context.Context, publicID string) (*Info, error) {
	m.check()
	if provider.ValidateID(publicID) != nil {
		return nil, ErrEnded
	}
	ctx, cancel := context.WithTimeout(ctx, m.cfg.StoreTimeout)
	defer cancel()
	rec, err := m.provider.Fetch(ctx, publicID)
	switch {
	case errors.Is(err, provider.ErrNotFound):
		return nil, ErrEnded
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return m.inspectReadable(rec), nil
}

// inspectReadable is the function Inspect that returns an Info of KindUnreadable in place
// of an error.
func (m *Manager) inspectReadable(rec *provider.Record) *Info {
	info, err := Inspect(rec, m.cfg.Codec)
	if err != nil {
		info = &Info{Kind: KindUnreadable, PublicID: rec.ID, ExpiresAt: rec.ExpiresAt, Size: len(rec.Data)}
	}
	return info
}

// CanRevokeEverything reports whether [Manager.RevokeEverything] is switched on, by
// Config.RevokeEverythingWithin.
func (m *Manager) CanRevokeEverything() bool {
	m.check()
	return m.engine.Epochs != nil
}
