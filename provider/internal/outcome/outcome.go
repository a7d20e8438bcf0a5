// Package outcome has what all providers answer alike: whether a Save may replace a record,
// its result if it may not, and errors that say that a Save or Delete has certainly changed
// nothing.
package outcome

import (
	"context"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
)

// Check is called first by every method of a provider. It returns an error if the
// arguments are invalid, or if ctx has ended: then nothing is begun. Name is that of the
// provider's package.
func Check(ctx context.Context, name string, invalid error) error {
	if invalid != nil {
		return fmt.Errorf("%s: %w", name, invalid)
	}
	if err := ctx.Err(); err != nil {
		return Refused(fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

// Allows reports whether a Save of rec that expects a version still has to replace current,
// and may. Current is nil if there is no record.
func Allows(current, rec *provider.Record, expectVersion int64) bool {
	switch {
	case expectVersion < 0:
		return true
	case current == nil:
		return expectVersion == 0
	case current.Version == rec.Version:
		return false // stored by an earlier attempt
	default:
		return expectVersion > 0 && current.Version == expectVersion
	}
}

// Conflict returns the result of a Save of rec that current does not allow: nil if an
// earlier attempt has stored rec, otherwise a provider.ConflictError. Name is that of the
// provider's package.
func Conflict(name string, current, rec *provider.Record) error {
	if current != nil && current.Version == rec.Version {
		return nil // stored by an earlier attempt
	}
	return fmt.Errorf("%s: %w", name, &provider.ConflictError{Current: current})
}

// NotSaved returns err as a provider.ErrNotSaved. Its text stays the same.
func NotSaved(err error) error { return &marked{err, provider.ErrNotSaved} }

// Refused returns err as a provider.ErrRefused. Its text stays the same.
func Refused(err error) error { return &marked{err, provider.ErrRefused} }

type marked struct {
	error
	as error
}

func (m *marked) Unwrap() []error { return []error{m.error, m.as} }
