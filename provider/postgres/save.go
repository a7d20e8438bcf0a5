package postgres

import (
	"context"
	"math/rand/v2"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

const maxRounds = 10

// save writes with one statement, which alone decides whether rec is stored. If it is
// not, save reads the current record, and returns the result of a Save at the moment of
// the read. If that Save would have stored rec, because the record has changed in
// between, both steps run again.
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
			return outcome.Conflict("postgres", current, rec)
		}
		if err := sleep.For(ctx, rand.N(maxPause)); err != nil {
			return p.explain(ctx, &unsent{error: err})
		}
	}
	return errHindered
}

// write stores rec if expectVersion allows it.
func (p *Provider) write(ctx context.Context, rec *provider.Record, expectVersion int64) (stored bool, err error) {
	sql, args := p.sql.put, columns(rec)
	switch {
	case expectVersion == 0:
		sql = p.sql.create
	case expectVersion > 0:
		sql, args = p.sql.update, append(args, expectVersion)
	}
	rows, err := p.exec(ctx, sql, args...)
	return rows > 0, err
}
