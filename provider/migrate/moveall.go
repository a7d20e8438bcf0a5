package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

// MoveOptions configures MoveAll and Clean.
type MoveOptions struct {
	// Parallel is the number of records that are worked on at a time. Zero means 8.
	Parallel int

	// Progress, if not nil, is called after each record, by one goroutine at a time. It
	// delays the next records until it returns.
	Progress func(Report)
}

// Report counts what MoveAll has done.
type Report struct {
	Moved   int64 // records that were moved
	Changed int64 // how often a record had changed when it was to be moved, so that its move began again
	Gone    int64 // records that had expired, had been deleted, or whose move another call has finished, also one of an instance

	// Pass is the number of the current pass over from, beginning with 1. A pass that finds
	// nothing to move is the last one. The following numbers count the records of this pass
	// alone, because the next one tries them again.
	Pass        int
	TooLarge    int64 // provider.ErrTooLarge by either store
	InBoth      int64 // ErrInBoth
	Unversioned int64 // ErrUnversioned
	Unreadable  int64 // provider.ErrUnreadable: markers that somebody has damaged
	Failed      int64 // any other error, but not the end of the context
}

// Left returns the number of records of the current pass that were not moved.
func (r Report) Left() int64 { return r.TooLarge + r.InBoth + r.Unversioned + r.Unreadable + r.Failed }

// reasons returns why records were not moved.
func (r Report) reasons() string {
	var all []string
	for _, reason := range []struct {
		n    int64
		text string
	}{
		{r.TooLarge, "too large for a store"},
		{r.InBoth, "in both stores"},
		{r.Unversioned, "without a positive version"},
		{r.Unreadable, "damaged"},
		{r.Failed, "failed"},
	} {
		if reason.n > 0 {
			all = append(all, fmt.Sprintf("%d %s", reason.n, reason.text))
		}
	}
	return strings.Join(all, ", ")
}

func (r *Report) add(f fate, changes int64, err error) {
	r.Changed += changes
	switch {
	case errors.Is(err, provider.ErrTooLarge):
		r.TooLarge++
	case errors.Is(err, ErrInBoth):
		r.InBoth++
	case errors.Is(err, ErrUnversioned):
		r.Unversioned++
	case errors.Is(err, provider.ErrUnreadable):
		r.Unreadable++
	case err != nil:
		r.Failed++
	case f == wasMoved:
		r.Moved++
	default:
		r.Gone++
	}
}

// begin begins the next pass.
func (r *Report) begin() {
	*r = Report{Moved: r.Moved, Changed: r.Changed, Gone: r.Gone, Pass: r.Pass + 1}
}

const (
	defaultParallel = 8
	moveTimeout     = 30 * time.Second // of one record
	maxBarrenPasses = 3                // that have moved nothing, until MoveAll gives up
	betweenPasses   = time.Second      // after a pass with failures
)

// ErrLeft is wrapped by the error of MoveAll if it has gone through all of from, and by
// that of Clean, if records are left that are not moved.
var ErrLeft = errors.New("migrate: the old store has records that are not moved")

// MoveAll moves every record of from, while instances in the phases Prepare and Move may
// use them. It goes through from until it finds nothing that is not moved. It returns nil
// then: if no instance is in the phase Prepare, nothing is left to move, and instances may
// use to alone. While instances in the phase Prepare create records, there is no end.
//
// Otherwise the error says what is left and why. It wraps ErrLeft, provider.ErrFull or
// other errors of the stores, and the context's. MoveAll may then be called again; it goes
// on with what is left, also after a crash, and by several callers at a time. A record that
// cannot be moved stays as it is and does not stop the others. From must be a
// provider.Lister.
//
// For each record, MoveAll makes two calls of each store, besides the listing: a
// reservation in to, the marker with the record in from, the record in to, the marker
// without it in from.
func (p *Provider) MoveAll(ctx context.Context, opts MoveOptions) (Report, error) {
	var report Report
	if err := outcome.Check(ctx, "migrate", nil); err != nil {
		return report, err
	}
	if err := p.probe(ctx); err != nil {
		return report, err
	}
	for barren := 0; ; {
		before := report.Moved
		err := p.pass(ctx, opts, &report)
		switch {
		case ctx.Err() != nil:
			return report, fmt.Errorf("migrate: MoveAll was stopped: %w", ctx.Err())
		case report.Moved > before:
			barren = 0
		case err == nil:
			return report, nil // the pass has found nothing
		default:
			barren++
		}
		if barren >= maxBarrenPasses || barren > 0 && isFinal(err, report) {
			return report, err
		}
		if err != nil && sleep.For(ctx, betweenPasses) != nil {
			return report, fmt.Errorf("migrate: MoveAll was stopped: %w", ctx.Err())
		}
	}
}

// isFinal reports whether another pass would end with the same error.
func isFinal(err error, report Report) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, errSwapped) || errors.Is(err, ErrLeft) && report.Failed == 0
}

// pass moves what a listing of from shows. The error is nil if everything was moved, or if
// there was nothing to move.
func (p *Provider) pass(ctx context.Context, opts MoveOptions, report *Report) error {
	report.begin()
	var first error
	err := p.each(ctx, opts.Parallel, listed.isLeft, func(e listed) func() {
		f, changes, err := wasGone, int64(0), e.damaged
		if err == nil {
			f, changes, err = p.moveInTime(ctx, e)
		}
		return func() {
			if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return // the record has not failed
			}
			report.add(f, changes, err)
			if first == nil && err != nil {
				first = err
			}
			if opts.Progress != nil {
				opts.Progress(*report)
			}
		}
	})
	switch {
	case err != nil:
		return err
	case report.Left() > 0:
		return fmt.Errorf("%w: %s; the first error: %w", ErrLeft, report.reasons(), first)
	}
	return nil
}

// moveInTime moves a record that was listed, or gives up after a while.
func (p *Provider) moveInTime(ctx context.Context, e listed) (f fate, changes int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, moveTimeout)
	defer cancel()
	return p.move(ctx, e.id, e.entry)
}
