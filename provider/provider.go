package provider

import (
	"context"
	"errors"
	"fmt"
)

// The errors that providers wrap. Any other error means that the store failed; after a
// Save it means that the record may or may not have been stored.
var (
	// ErrNotFound: there is no such record, or it has expired.
	ErrNotFound = errors.New("provider: record not found")

	// ErrVersionConflict: the stored record does not have the expected version. The record
	// was not saved and will not be.
	ErrVersionConflict = errors.New("provider: version conflict")

	// ErrInvalidRecord: the ID or record breaks a rule of Record. The provider did nothing.
	ErrInvalidRecord = errors.New("provider: invalid record")

	// ErrTooLarge: the record is larger than the store allows. The stored record is
	// unchanged.
	ErrTooLarge = errors.New("provider: record too large")

	// ErrUnreadable: the stored record is not one that a Save has stored, or cannot be
	// decoded. It is left as it is.
	ErrUnreadable = errors.New("provider: record unreadable")

	// ErrFull: the store has no room. The stored record is unchanged.
	ErrFull = errors.New("provider: store is full")

	// ErrNotSaved: this call of Save or Delete failed, has changed nothing and will not
	// change anything. If the call is repeated at once, it may succeed, as after a failed
	// connection attempt.
	ErrNotSaved = errors.New("provider: nothing was saved")

	// ErrRefused is an ErrNotSaved that a repeated call would get again at once: a table or
	// a privilege is missing, the server takes no writes, or no connection of the pool
	// became free.
	ErrRefused = fmt.Errorf("%w: refused", ErrNotSaved)
)

// ConflictError is an ErrVersionConflict that includes the current record, for providers
// that have it available.
type ConflictError struct {
	Current *Record // nil: there is no record; the caller may modify it
}

func (e *ConflictError) Error() string { return ErrVersionConflict.Error() }

// Unwrap returns ErrVersionConflict.
func (e *ConflictError) Unwrap() error { return ErrVersionConflict }

// Provider stores records.
//
// Its methods may be called concurrently. On each record they are linearizable: they take
// effect one after the other, in an order that agrees with real time. A Fetch therefore
// sees every Save that had returned when it began; it must not read from a replica or a
// cache that may be outdated.
//
// If the context of a call is or gets cancelled, or its deadline passes, the method
// returns promptly with an error that wraps the context's.
//
// An invalid ID or record is refused with ErrInvalidRecord before any I/O: call
// ValidateID and Record.Validate first.
//
// No error contains a record's ID or data.
type Provider interface {
	// Fetch returns the record, or an error that wraps ErrNotFound if there is none or it
	// has expired. Exactly one result is non-nil.
	//
	// The record is as one Save has stored it. Its ExpiresAt may be truncated to
	// milliseconds and have another time zone; empty Data may be nil. The caller may modify
	// it.
	Fetch(ctx context.Context, id string) (*Record, error)

	// Save stores rec as a whole, in place of the record stored under its ID, if
	// expectVersion allows it:
	//
	//   - expectVersion > 0: if the stored record has that version.
	//   - expectVersion == 0: if there is no record.
	//   - expectVersion < 0: always. Version need not be positive then; it is stored as
	//     given.
	//
	// Otherwise, if the stored record has rec.Version, an earlier attempt has stored rec,
	// and Save returns nil. Else it returns an error that wraps ErrVersionConflict, which
	// may be a *ConflictError.
	//
	// A stored record that has expired counts as absent. If rec itself has expired, the Save
	// takes effect all the same: there is no such record afterwards.
	//
	// ErrVersionConflict and ErrNotSaved mean that this Save did not store rec and will not.
	// If that is uncertain, as after a broken connection, the error must be another one. If
	// it is certain, wrap ErrNotSaved or ErrRefused: without it the caller reads back, saves
	// again, and may have to report that it is unknown whether the change was saved.
	//
	// Save neither changes rec nor keeps a reference to it or its Data.
	Save(ctx context.Context, rec *Record, expectVersion int64) error

	// Delete removes the record, whatever its version. A missing record is not an error.
	// ErrNotSaved means that this Delete removed nothing and will not.
	Delete(ctx context.Context, id string) error
}
