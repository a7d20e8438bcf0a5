package records

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
)

// The errors of records. Package session documents them under the same names.
var (
	ErrUnavailable    = errors.New("session: storage unavailable")
	ErrOutcomeUnknown = fmt.Errorf("%w: it is unknown whether the change was saved", ErrUnavailable)
	ErrUnreadable     = errors.New("session: stored record is unreadable")
	ErrTooLarge       = errors.New("session: too large")
	ErrEnded          = errors.New("session: destroyed, renewed or expired meanwhile")
)

var (
	// ErrTombstone is the ErrEnded for a session that was renewed or destroyed.
	ErrTombstone = fmt.Errorf("%w: renewed or destroyed", ErrEnded)

	// ErrGoneUnknown is the error of a change whose save had an unknown outcome and whose
	// record no longer exists.
	ErrGoneUnknown = fmt.Errorf("%w: the record is gone", ErrOutcomeUnknown)
)

// Unavailable wraps an error of the provider, after which nothing was saved, in an error
// of this package.
func Unavailable(err error) error {
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnreadable):
		return err
	case errors.Is(err, provider.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, provider.ErrUnreadable):
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

// failed returns the error of a save that has failed finally, after that many attempts of
// unknown outcome.
func failed(unknown int, err error) error {
	if unknown > 0 {
		return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return Unavailable(err)
}
