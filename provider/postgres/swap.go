package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/holdfast-go/holdfast/provider"
)

const maxRounds = 10

// compareAndSwap writes by one statement and reads by a second, which is sent
// along with it. That one sees what the first has had to wait for: at READ
// COMMITTED every statement takes a new snapshot. A single statement with both
// in it would answer a conflict with the record from before the wait.
func (p *Provider) compareAndSwap(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	for range maxRounds {
		var swapped bool
		var current *provider.Record
		err := p.call(ctx, func() (err error) {
			swapped, current, err = p.sendSwap(ctx, rec, expectVersion)
			return err
		})
		switch {
		case err != nil:
			return err
		case swapped:
			return nil
		case current == nil && expectVersion == 0, current != nil && expectVersion > 0 && current.Version == expectVersion:
			// Expired or stored between the two statements: nothing is in the way now.
			if err := sleep(ctx, rand.N(maxPause)); err != nil {
				return p.explain(ctx, err)
			}
		case current == nil:
			return conflict(nil)
		case current.Version == rec.Version:
			return nil // stored by an earlier attempt
		default:
			return conflict(current)
		}
	}
	return errHindered
}

// put writes without a check.
func (p *Provider) put(ctx context.Context, rec *provider.Record) error {
	var tag pgconn.CommandTag
	err := p.call(ctx, func() (err error) {
		tag, err = p.db.Exec(ctx, p.sql.put, columns(rec)...)
		return err
	})
	if err == nil && tag.RowsAffected() == 0 {
		err = errHindered
	}
	return err
}

func conflict(current *provider.Record) error {
	return fmt.Errorf("postgres: %w", &provider.ConflictError{Current: current})
}

// sendSwap sends both statements as one implicit transaction. It commits when
// all answers are sent, so that the last word is that of Close.
func (p *Provider) sendSwap(ctx context.Context, rec *provider.Record, expectVersion int64) (swapped bool, current *provider.Record, err error) {
	var b pgx.Batch
	if expectVersion == 0 {
		b.Queue(p.sql.create, columns(rec)...)
	} else {
		b.Queue(p.sql.update, append(columns(rec), expectVersion)...)
	}
	b.Queue(p.sql.current, rec.ID, rec.Version)

	results := p.db.SendBatch(ctx, &b)
	tag, err := results.Exec()
	swapped = tag.RowsAffected() > 0
	if err == nil && !swapped {
		current, err = scanRecord(results.QueryRow(), rec.ID)
	}
	if closeErr := results.Close(); err == nil {
		err = closeErr
	}
	return swapped, current, err
}
