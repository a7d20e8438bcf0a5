package migrate

import (
	"context"
	"fmt"

	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Status counts what the old store has.
type Status struct {
	Left   int64 // records that are not moved; a record that is just being moved is one of them
	Marked int64 // IDs about which the new store decides
}

// Complete reports whether everything is moved. If it is, and no instance is in the phase
// Prepare or uses the old store alone, it stays so.
func (s Status) Complete() bool { return s.Left == 0 }

// Status lists from and counts its records and its markers. The number of records is the
// total for the progress of MoveAll; those that expire in the meantime are not moved. From
// must be a provider.Lister.
func (p *Provider) Status(ctx context.Context) (Status, error) {
	var s Status
	if err := outcome.Check(ctx, "migrate", nil); err != nil {
		return s, err
	}
	err := p.list(ctx, func(e listed) {
		if e.isLeft() {
			s.Left++
		} else {
			s.Marked++
		}
	})
	return s, err
}

// Clean removes the markers from the old store and returns their number. Call it only when
// every instance uses the new store alone; it is not needed if the old store is dropped.
// If a record is not moved, Clean removes nothing and returns ErrLeft.
//
// It may be repeated after an error. In opts.Progress, Report.Moved is the number of
// markers that were removed.
func (p *Provider) Clean(ctx context.Context, opts MoveOptions) (removed int64, err error) {
	s, err := p.Status(ctx)
	if err != nil {
		return 0, err
	}
	if !s.Complete() {
		return 0, fmt.Errorf("%w: %d; call MoveAll first", ErrLeft, s.Left)
	}
	var report Report
	var first error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	isMarker := func(e listed) bool { return !e.isLeft() }
	err = p.each(ctx, opts.Parallel, isMarker, func(e listed) func() {
		err := p.from.Delete(ctx, e.id)
		return func() {
			if err != nil && first == nil {
				first = inFrom(err)
				cancel()
			}
			if err == nil {
				report.Moved++
			}
			if opts.Progress != nil {
				opts.Progress(report)
			}
		}
	})
	if first != nil {
		err = first
	}
	return report.Moved, err
}
