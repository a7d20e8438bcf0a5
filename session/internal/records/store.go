// Package records keeps versioned records in a provider. It saves a record by
// compare-and-swap and determines which of three outcomes a save had: saved, refused, or
// unknown. It tries again after a conflict or a failure, queues the requests that compete
// for a record, and bounds the total time.
package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
)

// Options configure a Store. Those that are not said to be optional have no default.
type Options struct {
	// Timeout bounds the calls of one load or one commit.
	Timeout time.Duration

	// KnowsFormat reports whether values of that Format can be decoded. If the envelope of a
	// record of an unknown format cannot be read, the error names the format.
	KnowsFormat func(format string) bool

	// Ended, which is optional, is called after tombstones were saved, with the IDs of the
	// sessions that have ended. It is also called if it is unknown whether a tombstone was
	// saved.
	Ended func(ids ...string)

	// Observer receives the ends of sessions; nil: nobody does.
	Observer observe.Observer

	// Cache, which is optional, receives every record of a session that is read or saved.
	Cache Cache
}

// Store keeps records in a provider. It is safe for concurrent use.
type Store struct {
	provider  provider.Provider
	inProcess bool // the provider shares its memory, and answers at once
	opts      Options
	contents  Kind[*Content]
	created   *created
}

// New returns a Store over p. It does no I/O.
func New(p provider.Provider, o Options) *Store {
	s := &Store{provider: p, opts: o, created: newCreated()}
	if sharer, ok := p.(provider.Sharer); ok {
		if shared := sharer.Shared(p); shared != nil {
			s.provider, s.inProcess = shared, true
		}
	}
	s.contents.Read = s.decode
	if !s.inProcess {
		s.contents.Cache = o.Cache
	}
	if o.Ended != nil {
		s.contents.Saved = s.noteEnd
	}
	return s
}

// InProcess reports whether the records are in this process, so that calls neither wait
// nor fail.
func (s *Store) InProcess() bool { return s.inProcess }

// Fetch reads the content of a record with one call; it is nil if there is no record.
func (s *Store) Fetch(ctx context.Context, id string) (*Content, error) {
	return s.contents.FetchOnce(ctx, s, id)
}

// FetchInto is Fetch that may return room, which must be zero, so that a caller needs no
// allocation for it. It does so only with a provider in this process: a Cache would keep
// what room is a part of.
func (s *Store) FetchInto(ctx context.Context, id string, room *Content) (*Content, error) {
	if !s.inProcess {
		return s.Fetch(ctx, id)
	}
	rec, err := s.provider.Fetch(ctx, id)
	switch {
	case errors.Is(err, provider.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, Unavailable(err)
	}
	return s.decodeInto(room, id, rec)
}

// Record returns the record under id for an encoded c.
func (c *Content) Record(id string) *provider.Record {
	c.data = envelope.Bind(c.data, id)
	return &provider.Record{ID: id, Version: c.Version, ExpiresAt: c.Expires.Std(), Format: c.Format, Data: c.data}
}

// decode decodes the record that the provider has returned for id.
func (s *Store) decode(id string, rec *provider.Record) (*Content, error) {
	return s.decodeInto(new(Content), id, rec)
}

// decodeInto is decode that returns c, which must be zero.
func (s *Store) decodeInto(c *Content, id string, rec *provider.Record) (*Content, error) {
	if rec == nil || rec.ID != id {
		return nil, fmt.Errorf("%w: the provider returned no record or another one", ErrUnreadable)
	}
	err := c.Decode(id, rec.Data)
	switch {
	case err != nil && !s.opts.KnowsFormat(rec.Format):
		return nil, UnknownFormat(rec.Format)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if !envelope.ValidVersion(rec.Version) {
		return nil, fmt.Errorf("%w: malformed version", ErrUnreadable)
	}
	c.Version, c.Expires, c.Format = rec.Version, envelope.TimeOf(rec.ExpiresAt), rec.Format
	return c, nil
}

// UnknownFormat returns the ErrUnreadable for a record whose values have no codec.
func UnknownFormat(format string) error {
	return fmt.Errorf("%w: its format is %q, which is neither built in nor Config.Codec's", ErrUnreadable, format)
}
