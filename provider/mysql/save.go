package mysql

import (
	"context"
	"database/sql"
	"math/rand/v2"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

const maxRounds = 10

// save writes with one statement, which alone decides whether rec is stored. If it is
// not, save reads the current record, and returns the result of a Save at the moment of
// the read. If that Save would have stored rec, because the record has changed in
// between or has expired, both steps run again.
func (p *Provider) save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	for range maxRounds {
		stored, err := p.write(ctx, rec, expectVersion)
		if err != nil || stored {
			return err
		}
		current, err := p.read(ctx, rec.ID)
		if err != nil {
			return outcome.NotSaved(err) // for the write has changed nothing
		}
		if !outcome.Allows(current, rec, expectVersion) {
			return outcome.Conflict("mysql", current, rec)
		}
		if err := p.makeRoom(ctx, rec.ID, expectVersion); err != nil {
			return outcome.NotSaved(err)
		}
	}
	return errHindered
}

// write stores rec if expectVersion allows it. It does not know that an expired record is
// in the way of a create, nor that an update changes nothing because an earlier attempt
// has stored rec.
func (p *Provider) write(ctx context.Context, rec *provider.Record, expectVersion int64) (stored bool, err error) {
	id, expiresAt := []byte(rec.ID), provider.Millis(rec.ExpiresAt)
	format, data := []byte(rec.Format), rec.Data
	if data == nil {
		data = []byte{} // nil is NULL
	}
	query, args := p.sql.insert, []any{id, rec.Version, expiresAt, format, data}
	switch {
	case expectVersion < 0:
		query = p.sql.replace
	case expectVersion > 0:
		query, args = p.sql.update, []any{rec.Version, expiresAt, format, data, id, expectVersion}
	}
	var rows int64
	err = p.call(ctx, func(conn *sql.Conn) error {
		err := p.checkSize(ctx, conn, query, args)
		if err == nil {
			rows, err = execOn(ctx, conn, query, args...)
		}
		if expectVersion == 0 && numberOf(err) == duplicateKey {
			rows, err = 0, nil
		}
		return err
	})
	return rows > 0, err
}

// makeRoom removes the expired record that may be in the way of a create, or waits a
// little before the next attempt of another Save.
func (p *Provider) makeRoom(ctx context.Context, id string, expectVersion int64) error {
	if expectVersion == 0 {
		removed, err := p.exec(ctx, p.sql.clear, []byte(id))
		if err != nil || removed > 0 {
			return err
		}
	}
	if err := sleep.For(ctx, rand.N(maxPause)); err != nil {
		return p.explain(ctx, &unsent{error: err})
	}
	return nil
}
