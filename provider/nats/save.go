package nats

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/sleep"
)

const (
	minPause = time.Millisecond
	maxPause = 50 * time.Millisecond
)

// create stores a record where there is none. It expects that there was never one, and
// looks only if that is wrong.
func (p *Provider) create(ctx context.Context, rec *provider.Record) error {
	err := p.publishAfter(ctx, p.message(rec, time.Now()), 0)
	if !isOvertaken(err) {
		return err
	}
	return p.swap(ctx, rec, 0)
}

// swap reads the record, and replaces it if it is the expected one and no other message
// has been stored in the meantime. Otherwise it begins again.
func (p *Provider) swap(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		found, err := p.read(ctx, p.subject(rec.ID))
		if err != nil {
			return outcome.NotSaved(err) // for nothing was stored
		}
		now := time.Now()
		current, err := found.live(rec.ID, now)
		if err != nil {
			return err
		}
		// It may have the expected version and that of rec, with other data. Nothing has been
		// sent yet, unlike where Allows is asked after a statement.
		isExpected := expectVersion > 0 && current != nil && current.Version == expectVersion
		if !isExpected && !outcome.Allows(current, rec, expectVersion) {
			return outcome.Conflict("nats", current, rec)
		}
		err = p.publishAfter(ctx, p.message(rec, now), found.Sequence)
		if !isOvertaken(err) {
			return err
		}
		if err := sleep.For(ctx, rand.N(pause)); err != nil {
			return outcome.Refused(fmt.Errorf("nats: %w", err))
		}
	}
}

// isOvertaken reports whether the server has refused a message because another one was
// stored before it, or is about to be.
func isOvertaken(err error) bool {
	answer, ok := errors.AsType[*apiError](err)
	return ok && (answer.Code == codeWrongSequence || answer.Code == codeInFlight)
}
