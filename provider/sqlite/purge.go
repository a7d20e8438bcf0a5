package sqlite

import (
	"context"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

const (
	rowsPerScan  = 2000                 // are read at a time
	rowsPerPurge = 50                   // are removed at a time
	purgePause   = 5 * time.Millisecond // for writers of other processes
)

// Purge removes expired records and returns their number. It reads the whole table, 2000
// rows at a time, which keeps nobody waiting, and removes up to 50 records at a time, in
// a transaction of a few milliseconds. Writers get their turn in between. If Purge ends
// early or the process dies, the records that were removed until then stay removed, and
// no other is harmed. After an error, removed counts the records that were removed before
// it.
//
// Records expire without Purge. Purge makes room for new ones: the file does not shrink,
// but its free pages are used again.
func (p *Provider) Purge(ctx context.Context) (removed int64, err error) {
	defer func() { p.purged.Note(removed, err) }()
	if err := outcome.Check(ctx, "sqlite", nil); err != nil {
		return 0, err
	}
	var last int64 // rows that are inserted from now on have not expired
	if err := p.queryRow(ctx, p.reader, p.sql.lastRow, nil, &last); err != nil {
		return 0, err
	}
	for row := int64(0); row < last; {
		var next, expired int64
		if err := p.queryRow(ctx, p.reader, p.sql.scan, []any{row, rowsPerScan}, &next, &expired); err != nil {
			return removed, err
		}
		if next == 0 { // no row is left
			break
		}
		n, err := p.purge(ctx, row, next, expired)
		removed += n
		if err != nil {
			return removed, err
		}
		row = next
	}
	return removed, nil
}

// PurgeStats implements provider.Purger.
func (p *Provider) PurgeStats() provider.PurgeStats { return p.purged.Sum() }

// purge removes the expired records of the rows after the first up to the last, of which
// there are so many.
func (p *Provider) purge(ctx context.Context, first, last, expired int64) (removed int64, err error) {
	for removed < expired {
		n, done, err := p.purgeSome(ctx, first, last)
		removed += n
		if err != nil || done {
			return removed, err
		}
		if err := sleep.For(ctx, purgePause); err != nil {
			return removed, p.explain(ctx, &unsent{err})
		}
	}
	return removed, nil
}

// purgeSome removes up to rowsPerPurge expired records of these rows. Done means that there
// are no more. If anybody listens for them, it first tells of them, and removes no others.
func (p *Provider) purgeSome(ctx context.Context, first, last int64) (removed int64, done bool, err error) {
	if !p.expired.Any() {
		removed, err = p.exec(ctx, p.sql.purge, first, last, rowsPerPurge)
		return removed, removed < rowsPerPurge, err
	}
	recs, err := p.query(ctx, p.sql.expired, first, last, rowsPerPurge)
	if err != nil || len(recs) == 0 {
		return 0, true, err
	}
	var told []any
	for _, rec := range recs {
		p.expired.Tell(rec)
		told = append(told, rec.ID, rec.Version)
	}
	for len(told) < 2*rowsPerPurge { // the statement has a fixed number of them
		told = append(told, recs[0].ID, recs[0].Version)
	}
	removed, err = p.exec(ctx, p.sql.remove, told...)
	return removed, len(recs) < rowsPerPurge || removed == 0, err
}

// OnExpired implements provider.Expirer. Purge calls fn with the records that it is about
// to remove.
func (p *Provider) OnExpired(fn func(*provider.Record)) (stop func()) { return p.expired.Add(fn) }

// PurgeEvery runs Purge every interval until ctx ends, and logs its errors:
//
//	go sessions.PurgeEvery(ctx, 10*time.Minute)
//
// The first run is after a random part of the interval, so that processes that start
// together do not run at the same time. One process would be enough. PurgeEvery panics if
// interval is not positive.
func (p *Provider) PurgeEvery(ctx context.Context, interval time.Duration) {
	purging.Every(ctx, "sqlite", interval, p.log, p.Purge)
}
