package mysql

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
)

const (
	rowsPerPurge = 4096        // that are read at a time
	deadPerPurge = 256         // that are removed at a time
	purgeTimeout = time.Minute // of one trip, in case nobody answers
)

// Purge removes expired records and returns their number. It reads the whole table by its
// primary key, 4096 rows at a time and without locks, and removes up to 256 rows at a
// time, each batch in a transaction of its own. A batch with a row that another
// transaction keeps locked longer than innodb_lock_wait_timeout is left for the next run.
// After an error, removed counts the records that were removed before it.
//
// Records expire without Purge. Purge keeps the table from growing.
func (p *Provider) Purge(ctx context.Context) (removed int64, err error) {
	defer func() { p.purged.Note(removed, err) }()
	if err := outcome.Check(ctx, "mysql", nil); err != nil {
		return 0, err
	}
	for last := beforeAll; last != afterAll && err == nil; {
		var n int64
		n, last, err = p.purgeRows(ctx, last)
		removed += n
	}
	return removed, err
}

// PurgeStats implements provider.Purger.
func (p *Provider) PurgeStats() provider.PurgeStats { return p.purged.Sum() }

// purgeRows removes the expired records among the rows after the ID first, and returns the
// ID of the last of these rows.
func (p *Provider) purgeRows(ctx context.Context, first string) (removed int64, last string, err error) {
	last, ids, err := p.dead(ctx, first)
	for len(ids) > 0 && err == nil {
		n := min(len(ids), deadPerPurge)
		var gone int64
		gone, err = p.remove(ctx, ids[:n])
		removed += gone
		ids = ids[n:]
	}
	return removed, last, err
}

// dead returns the expired IDs among the rows after the ID first, and the ID of the last
// of these rows.
func (p *Provider) dead(ctx context.Context, first string) (last string, ids []any, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	err = p.call(ctx, func(conn *sql.Conn) error {
		last = afterAll
		row := conn.QueryRowContext(ctx, p.sql.end, []byte(first), rowsPerPurge-1)
		if err := row.Scan(&last); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		ids, err = collect(ctx, conn, scanID, p.sql.dead, []byte(first), []byte(last))
		return err
	})
	return last, ids, err
}

func scanID(rows *sql.Rows) (any, error) {
	var id []byte
	err := rows.Scan(&id)
	return id, err
}

// remove removes those of the records that are still expired, or none if one of them is in
// use. If there are listeners, it first tells them, and removes only the versions that it
// has told them of.
func (p *Provider) remove(ctx context.Context, ids []any) (removed int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	if !p.expired.Any() {
		return p.removeAny(ctx, ids, nil)
	}
	ids, versions, err := p.tell(ctx, ids)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return p.removeAny(ctx, ids, versions)
}

// tell tells the listeners of those of the records that are still expired, and returns
// their IDs and versions.
func (p *Provider) tell(ctx context.Context, ids []any) (told, versions []any, err error) {
	err = p.call(ctx, func(conn *sql.Conn) error {
		told, versions = nil, nil
		tellOne := func(rows *sql.Rows) (struct{}, error) { // one by one, because all of them together may be large
			rec, err := listed(rows)
			if err != nil {
				return struct{}{}, err
			}
			p.expired.Tell(rec)
			told, versions = append(told, []byte(rec.ID)), append(versions, rec.Version)
			return struct{}{}, nil
		}
		_, err := collect(ctx, conn, tellOne, p.sql.expired+placeholders("?", len(ids)), ids...)
		return err
	})
	return told, versions, err
}

// removeAny removes the records of these IDs that are still expired. If there are versions,
// one for each ID, it removes no others.
func (p *Provider) removeAny(ctx context.Context, ids, versions []any) (removed int64, err error) {
	query, args := p.sql.purge+placeholders("?", len(ids)), ids
	if versions != nil {
		// The condition on the IDs alone is the one that uses the primary key on all servers.
		query += " AND (id, version) IN " + placeholders("(?, ?)", len(ids))
		args = slices.Clone(ids)
		for i, id := range ids {
			args = append(args, id, versions[i])
		}
	}
	err = p.on(ctx, func(conn *sql.Conn) error {
		removed, err = execOn(ctx, conn, query, args...)
		return err
	})
	if isYielding(err) {
		return 0, nil
	}
	return removed, p.explain(ctx, err)
}

// placeholders returns a list of n placeholders in parentheses.
func placeholders(each string, n int) string {
	return "(" + each + strings.Repeat(", "+each, n-1) + ")"
}

// OnExpired implements provider.Expirer. Purge calls fn with the records that it is about
// to remove. It then takes two statements for each batch in place of one.
func (p *Provider) OnExpired(fn func(*provider.Record)) (stop func()) { return p.expired.Add(fn) }

// PurgeEvery runs Purge every interval until ctx ends, and logs its errors:
//
//	go store.PurgeEvery(ctx, 10*time.Minute)
//
// The first run is after a random part of the interval, so that instances that start
// together do not run at the same time. One instance would be enough. PurgeEvery panics
// if interval is not positive.
func (p *Provider) PurgeEvery(ctx context.Context, interval time.Duration) {
	purging.Every(ctx, "mysql", interval, p.log, p.Purge)
}
