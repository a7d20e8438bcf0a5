package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	blocksPerPurge = 512         // 4 MiB, some thousand sessions
	purgeTimeout   = time.Minute // of one statement, in case nobody answers
)

// Purge removes the records that have expired, and returns how many. It reads the
// table from end to end, a few megabytes at a time, each in a transaction of its
// own. It waits for no writer: a row in use is left for the next time. A writer of
// a record that has just expired may wait for that transaction, milliseconds.
//
// Records need no Purge to expire. It keeps the table from growing.
func (p *Provider) Purge(ctx context.Context) (removed int64, err error) {
	if err := check(ctx, nil); err != nil {
		return 0, err
	}
	blocks, err := p.blocks(ctx)
	for first := int64(0); first < blocks && err == nil; first += blocksPerPurge {
		var n int64
		n, err = p.purge(ctx, first, first+blocksPerPurge)
		removed += n
	}
	return removed, err
}

// blocks returns the length of the table in blocks, usually of 8 KiB.
func (p *Provider) blocks(ctx context.Context) (n int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	err = p.call(ctx, func(db DB) error {
		return db.QueryRow(ctx, p.sql.blocks, string(p.table)).Scan(&n)
	})
	return n, err
}

// purge removes the expired records from the block first up to the block end.
func (p *Provider) purge(ctx context.Context, first, end int64) (removed int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	return p.exec(ctx, p.sql.purge, position(first), position(end))
}

// position returns the ctid of a block's begin. Blocks have 32 bits.
func position(block int64) string { return fmt.Sprintf("(%d,0)", min(block, 1<<32-1)) }

// PurgeEvery runs Purge every interval until ctx is done, and logs its errors:
//
//	go sessions.PurgeEvery(ctx, 10*time.Minute)
//
// The first time is a random part of the interval away, so that instances that
// start together take turns. One of them would be enough. PurgeEvery panics if
// interval is not positive.
func (p *Provider) PurgeEvery(ctx context.Context, interval time.Duration) {
	if interval <= 0 {
		panic("postgres: the interval of PurgeEvery is not positive")
	}
	for wait := rand.N(interval); sleep(ctx, wait) == nil; wait = interval {
		if _, err := p.Purge(ctx); err != nil && ctx.Err() == nil {
			p.logger().ErrorContext(ctx, "postgres: Purge failed", "error", err)
		}
	}
}

func (p *Provider) logger() *slog.Logger {
	if p.log == nil {
		return slog.Default()
	}
	return p.log
}
