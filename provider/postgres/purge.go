package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
)

const (
	blocksPerPurge = 512         // 4 MiB, some thousand sessions
	purgeTimeout   = time.Minute // of one statement, in case nobody answers
)

// Purge removes expired records and returns their number. It reads the whole table, a few
// megabytes at a time, each in a transaction of its own. It waits for no writer: a row in
// use is left for the next run. A writer of a record that has just expired may wait a few
// milliseconds for that transaction. After an error, removed counts the records that were
// removed before it.
//
// Records expire without Purge. Purge keeps the table from growing.
func (p *Provider) Purge(ctx context.Context) (removed int64, err error) {
	defer func() { p.purged.Note(removed, err) }()
	if err := outcome.Check(ctx, "postgres", nil); err != nil {
		return 0, err
	}
	switch cockroach, err := p.isCockroach(ctx); {
	case err != nil:
		return 0, err
	case cockroach:
		return p.purgeCockroach(ctx)
	}
	blocks, err := p.blocks(ctx)
	for first := int64(0); first < blocks && err == nil; first += blocksPerPurge {
		var n int64
		n, err = p.purge(ctx, first, first+blocksPerPurge)
		removed += n
	}
	return removed, err
}

// PurgeStats implements provider.Purger.
func (p *Provider) PurgeStats() provider.PurgeStats { return p.purged.Sum() }

// blocks returns the length of the table in blocks, which usually have 8 KiB.
func (p *Provider) blocks(ctx context.Context) (n int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	err = p.call(ctx, func(db DB) error {
		return db.QueryRow(ctx, p.sql.blocks, string(p.table)).Scan(&n)
	})
	return n, err
}

// purge removes the expired records from block first up to, but not including, block end.
func (p *Provider) purge(ctx context.Context, first, end int64) (removed int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	return p.purgeBetween(ctx, p.sql.purge, p.sql.expired, position(first), position(end))
}

// purgeBetween removes the expired records between two places. If there are listeners, it
// selects the records by the statement expired, tells the listeners, and removes only these.
func (p *Provider) purgeBetween(ctx context.Context, purge, expired, from, to string) (removed int64, err error) {
	if !p.expired.Any() {
		return p.exec(ctx, purge, from, to)
	}
	var ids []string
	var versions []int64
	err = p.call(ctx, func(db DB) error {
		rows, err := db.Query(ctx, expired, from, to)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() { // one by one, because all of them together may be large
			rec, err := listed(rows)
			if err != nil {
				return err
			}
			ids, versions = append(ids, rec.ID), append(versions, rec.Version)
			p.expired.Tell(rec)
		}
		return rows.Err()
	})
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return p.exec(ctx, p.sql.remove, ids, versions)
}

// OnExpired implements provider.Expirer. Purge calls fn with the records that it is about
// to remove. It then takes two statements for each few megabytes in place of one.
func (p *Provider) OnExpired(fn func(*provider.Record)) (stop func()) { return p.expired.Add(fn) }

// position returns the ctid of the beginning of a block. Block numbers have 32 bits.
func position(block int64) string { return fmt.Sprintf("(%d,0)", min(block, 1<<32-1)) }

// PurgeEvery runs Purge every interval until ctx ends, and logs its errors:
//
//	go sessions.PurgeEvery(ctx, 10*time.Minute)
//
// The first run is after a random part of the interval, so that instances that start
// together do not run at the same time. One instance would be enough. PurgeEvery panics
// if interval is not positive.
func (p *Provider) PurgeEvery(ctx context.Context, interval time.Duration) {
	purging.Every(ctx, "postgres", interval, p.log, p.Purge)
}
