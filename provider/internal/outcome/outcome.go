// Package outcome marks errors of a Save or Delete that has certainly changed nothing,
// without changing their text.
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

// NotSaved returns err as a provider.ErrNotSaved.
func NotSaved(err error) error { return &marked{err, provider.ErrNotSaved} }

// Refused returns err as a provider.ErrRefused.
func Refused(err error) error { return &marked{err, provider.ErrRefused} }

type marked struct {
	error
	as error
}

func (m *marked) Unwrap() []error { return []error{m.error, m.as} }
