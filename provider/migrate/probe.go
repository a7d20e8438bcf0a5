package migrate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Probe checks, before anything is moved, that to is another store than from, that its
// clock agrees with that of this program, and that it accepts a record of size bytes (of
// Format and Data); the error is a provider.ErrTooLarge if it does not. Probe saves a
// reservation of that size in to, and deletes it. MoveAll and Move do the same first, with
// a small one.
func (p *Provider) Probe(ctx context.Context, size int) error {
	if err := outcome.Check(ctx, "migrate", nil); err != nil {
		return err
	}
	if p.prepare {
		return errPrepare
	}
	return p.probeWith(ctx, max(size, 0))
}

// ProbeMarker checks that from accepts a marker of size bytes (of Format and Data), as it
// has while a record is being moved; the error is a provider.ErrTooLarge if it does not.
// See Comparison.LargestMarker. ProbeMarker saves a marker in from that expires, of an ID
// that no record has, and deletes it.
func (p *Provider) ProbeMarker(ctx context.Context, size int) error {
	if err := outcome.Check(ctx, "migrate", nil); err != nil {
		return err
	}
	if p.prepare {
		return errPrepare
	}
	rec := &provider.Record{
		ID: probeID(), Version: newVersion(), ExpiresAt: time.Now().Add(reservationTime),
		Format: formatMoved, Data: make([]byte, max(0, size-len(formatMoved))),
	}
	if err := p.from.Save(ctx, rec, 0); err != nil {
		return inFrom(err)
	}
	if err := p.from.Delete(ctx, rec.ID); err != nil {
		return inFrom(err)
	}
	return nil
}

// probeID returns an ID that no record has.
func probeID() string { return fmt.Sprintf("%sprobe-%x", formatPrefix, newVersion()) }

// probe checks what would leave a record frozen if it was found too late: that to is
// another store than from, and that its clock agrees with that of this program. It does so
// once for each Provider.
func (p *Provider) probe(ctx context.Context) error {
	switch {
	case p.prepare:
		return errPrepare
	case p.probed.Load():
		return nil
	}
	if err := p.probeWith(ctx, 0); err != nil {
		return err
	}
	p.probed.Store(true)
	return nil
}

// probeWith saves a reservation for a record of size bytes in to, looks for it in both
// stores, and deletes it.
func (p *Provider) probeWith(ctx context.Context, size int) error {
	rec := reservationFor(&provider.Record{
		ID:   probeID(),
		Data: make([]byte, size),
	})
	if err := p.to.Save(ctx, rec, 0); err != nil {
		return inTo(err)
	}
	_, inFromErr := p.from.Fetch(ctx, rec.ID)
	_, err := p.to.Fetch(ctx, rec.ID)
	if deleteErr := p.to.Delete(ctx, rec.ID); err == nil && deleteErr != nil {
		err = deleteErr
	}
	switch {
	case inFromErr == nil:
		return errSameStore
	case !errors.Is(inFromErr, provider.ErrNotFound):
		return inFrom(inFromErr)
	case errors.Is(err, provider.ErrNotFound):
		return errClock
	case err != nil:
		return inTo(err)
	}
	return nil
}
