package migrate

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// The reasons for which a record cannot be moved, besides provider.ErrTooLarge and
// provider.ErrFull. The record stays in from, where it can be read and saved.
var (
	// ErrInBoth: to has another record of the same ID. Somebody has written to it before
	// the record was moved. Delete the one that is not valid from its store.
	ErrInBoth = errors.New("migrate: both stores have a record of this ID; to must be empty before the migration, and no instance may use it alone before MoveAll has finished")

	// ErrUnversioned: the version of the record is not positive, so it cannot be replaced
	// by compare-and-swap. Save it again with a version, or delete it from the old store
	// when no instance runs. Package session does not write such records.
	ErrUnversioned = errors.New("migrate: the record has no positive version, so that it cannot be replaced safely; save it with a version while the old store is used alone")
)

var (
	errSameStore = errors.New("migrate: from and to are the same store; use different databases, tables or key prefixes")
	errSwapped   = errors.New("migrate: the new store has markers of a migration; are from and to swapped, or was it migrated from and not cleaned?")
	errClock     = fmt.Errorf("migrate: a record that expires in %v has expired in the new store at once; synchronize the clocks", reservationTime)
	errUnplaced  = errors.New("migrate: the new store does not keep the record that is being moved to it; does it evict records, or is its clock ahead?")
	errPrepare   = errors.New("migrate: nothing is moved in the phase Prepare; restart every instance in the phase Move first, and use a Provider of that phase")
	errBadMarker = fmt.Errorf("migrate: %w: a marker of the migration is damaged", provider.ErrUnreadable)
	errNotFound  = fmt.Errorf("migrate: %w", provider.ErrNotFound)
)

// inFrom and inTo add to an error which store it is from. They keep its outcome.
func inFrom(err error) error { return fmt.Errorf("migrate: old store: %w", err) }
func inTo(err error) error   { return fmt.Errorf("migrate: new store: %w", err) }

// unsaved returns err, of a step before the one that changes the record, as the error of a
// Save or Delete.
func unsaved(err error) error { return outcome.NotSaved(err) }

// conflict returns the error of a Save that current does not allow.
func conflict(current *provider.Record) error {
	return fmt.Errorf("migrate: %w", &provider.ConflictError{Current: current})
}
