package migrate

import (
	"bytes"
	"context"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// CompareOptions configures Compare.
type CompareOptions struct {
	// Parallel is the number of IDs that are looked up at a time. Zero means 8.
	Parallel int

	// Progress, if not nil, is called after each ID, by one goroutine at a time. It delays
	// the next ones until it returns.
	Progress func(Comparison)

	// MaxSize, if positive, is the size, in bytes of Format and Data, above which
	// Comparison.Larger counts a record.
	MaxSize int

	// MaxMarker, if positive, is the size, in bytes of Format and Data, above which
	// Comparison.Larger counts a record because of the marker that from has while it is
	// being moved.
	MaxMarker int
}

// Comparison counts the IDs that from has, by what to has.
type Comparison struct {
	Status

	// These are the parts of Status.Left.
	Moving  int64 // records that are just being moved, or whose move was interrupted
	Missing int64 // to has no record
	Same    int64 // to has the same record: a copy
	Differ  int64 // to has another record: MoveAll would return ErrInBoth
	Damaged int64 // markers that cannot be read

	// Unversioned is the number of Missing or Same records that cannot be moved because of
	// their version (ErrUnversioned).
	Unversioned int64

	// Ended is the number of IDs, of Status.Marked, for which to has no record. It was
	// deleted or has expired since it was moved, or its creation was not completed.
	Ended int64

	Bytes   int64 // of Format and Data of the records that are left
	Largest int   // the most that one of them has
	Larger  int64 // number of Missing, Same or Moving records that exceed MaxSize or MaxMarker; Unversioned ones do not count

	LargestMarker int // the size of the largest marker that from gets when they are moved
}

// Compare lists from and looks up each ID in to. It changes nothing. It can be called in
// both phases, before, during and after MoveAll, and while instances use the stores: each
// ID is counted as it was at some moment of the call. From must be a provider.Lister. An
// ID that a listing yields twice is counted twice.
//
// Compare makes one call of to for each ID, and another one of from for each record that is
// left and is not the Same in to.
func (p *Provider) Compare(ctx context.Context, opts CompareOptions) (Comparison, error) {
	var c Comparison
	if err := outcome.Check(ctx, "migrate", nil); err != nil {
		return c, err
	}
	var first error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := func(listed) bool { return true }
	err := p.each(ctx, opts.Parallel, all, func(e listed) func() {
		here, there, err := p.both(ctx, e)
		return func() {
			switch {
			case err != nil && first == nil:
				first = err
				cancel()
			case err == nil:
				c.add(here, there)
				if here.isMovable(there) && opts.isExceededBy(here) {
					c.Larger++
				}
				if opts.Progress != nil {
					opts.Progress(c)
				}
			}
		}
	})
	if first != nil {
		err = first
	}
	return c, err
}

// both returns what both stores have of an ID, as it was at one moment: from has not
// changed while to was read.
func (p *Provider) both(ctx context.Context, e listed) (here listed, there entry, err error) {
	ctx, cancel := context.WithTimeout(ctx, moveTimeout)
	defer cancel()
	for here = e; here.state == plain || here.state == moved; {
		if there, err = p.lookTo(ctx, e.id); err != nil || here.state == moved || here.isSameAs(there) {
			return here, there, err
		}
		now, err := p.look(ctx, e.id)
		if err != nil || now.state == here.state && now.version == here.version {
			return here, there, err
		}
		here.entry = now
	}
	return here, there, nil
}

// isSameAs reports whether there, an entry of to, is the record that is left in from.
func (e listed) isSameAs(there entry) bool {
	if e.state != plain || there.state != plain {
		return false
	}
	a, b := e.rec, there.rec
	return a.Version == b.Version && isSameTime(a.ExpiresAt, b.ExpiresAt) && a.Format == b.Format && bytes.Equal(a.Data, b.Data)
}

func isSameTime(a, b time.Time) bool { return provider.Millis(a) == provider.Millis(b) }

// add counts what both stores have of an ID.
func (c *Comparison) add(here listed, there entry) {
	switch {
	case here.damaged != nil:
		c.Left++
		c.Damaged++
	case here.state == moved:
		c.Marked++
		if there.state != plain {
			c.Ended++
		}
	case here.state == moving:
		c.addLeft(here.rec)
		c.Moving++
	case here.state == plain:
		c.addLeft(here.rec)
		c.addPlain(here, there)
	}
}

// addPlain counts a record that is left and is not being moved.
func (c *Comparison) addPlain(here listed, there entry) {
	switch {
	case here.isSameAs(there):
		c.Same++
	case there.state == plain:
		c.Differ++
		return
	default:
		c.Missing++
	}
	if here.rec.Version <= 0 {
		c.Unversioned++
		return
	}
	c.LargestMarker = max(c.LargestMarker, sizeMoving(here.rec))
}

// isMovable reports whether nothing but its size may keep a record from being moved.
func (e listed) isMovable(there entry) bool {
	switch {
	case e.damaged != nil:
		return false
	case e.state == plain:
		return e.rec.Version > 0 && (there.state != plain || e.isSameAs(there))
	default:
		return e.state == moving
	}
}

// isExceededBy reports whether a record is too large, or its marker is.
func (o CompareOptions) isExceededBy(e listed) bool {
	return o.MaxSize > 0 && sizeReserved(e.rec) > o.MaxSize ||
		o.MaxMarker > 0 && e.state == plain && sizeMoving(e.rec) > o.MaxMarker
}

func (c *Comparison) addLeft(rec *provider.Record) {
	c.Left++
	size := sizeReserved(rec)
	c.Bytes += int64(size)
	c.Largest = max(c.Largest, size)
}
