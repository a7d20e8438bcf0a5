package provider

import (
	"context"
	"errors"
	"fmt"
)

// The errors that providers wrap. Any other means that the store failed; after
// a Save it means that the record may have been stored or not.
var (
	// ErrNotFound: there is no such record, or it has expired.
	ErrNotFound = errors.New("provider: record not found")

	// ErrVersionConflict: the stored record is not of the expected version.
	// The Save did not land and will not.
	ErrVersionConflict = errors.New("provider: version conflict")

	// ErrInvalidRecord: the ID or record breaks a rule of Record. Nothing has
	// been tried.
	ErrInvalidRecord = errors.New("provider: invalid record")

	// ErrTooLarge: the store takes no record of this size. What was stored
	// stays.
	ErrTooLarge = errors.New("provider: record too large")

	// ErrUnreadable: the record is there, but is not what a Save has stored, or
	// cannot be made out. It is left as it is.
	ErrUnreadable = errors.New("provider: record unreadable")

	// ErrFull: the store has no room. What was stored stays.
	ErrFull = errors.New("provider: store is full")

	// ErrNotSaved: this call of Save or Delete failed, has changed nothing and will
	// not. The same call may succeed when it is made again at once, as after a
	// connection that could not be made.
	ErrNotSaved = errors.New("provider: nothing was saved")

	// ErrRefused is an ErrNotSaved that the same call would get again at once: a
	// table or a privilege is missing, the server takes no writes, no connection of
	// the pool became free.
	ErrRefused = fmt.Errorf("%w: refused", ErrNotSaved)
)

// ConflictError is an ErrVersionConflict that brings along the record that was
// there instead, for providers that have it at hand.
type ConflictError struct {
	Current *Record // nil: there was none; it belongs to the caller
}

func (e *ConflictError) Error() string { return ErrVersionConflict.Error() }

// Unwrap returns ErrVersionConflict.
func (e *ConflictError) Unwrap() error { return ErrVersionConflict }

// Provider stores records.
//
// Its methods may be called concurrently. On each record they are linearizable:
// they take effect one after the other, in an order that agrees with real time.
// So a Fetch sees every Save that was done when it began; it must not read from
// a replica or a cache that may be behind.
//
// A method whose context is or gets cancelled, or runs out of time, returns
// promptly with an error that wraps the context's.
//
// An ID or record that is not valid is refused with ErrInvalidRecord before any
// I/O: call ValidateID and Record.Validate first.
//
// No error tells a record's ID or data.
type Provider interface {
	// Fetch returns the record, or an error that wraps ErrNotFound if there is
	// none or it has expired. It never returns neither.
	//
	// The record is as it was saved, of one Save as a whole. Of its ExpiresAt,
	// what is finer than a millisecond may be missing, and the time zone may
	// differ; empty Data may be nil. It is the caller's to change.
	Fetch(ctx context.Context, id string) (*Record, error)

	// Save stores rec as a whole, in place of what is stored under its ID, if
	// expectVersion allows it:
	//
	//   - expectVersion > 0: if the stored record has that version.
	//   - expectVersion == 0: if there is none.
	//   - expectVersion < 0: always. Version need not be positive then; it is
	//     stored as given.
	//
	// Otherwise, if the stored record has rec.Version, it is this one: an
	// earlier attempt has landed, and Save returns nil. Else it returns an error
	// that wraps ErrVersionConflict, of type *ConflictError or not.
	//
	// A stored record that has expired counts as none. If rec itself has, it
	// takes effect all the same: there is no such record afterwards.
	//
	// ErrVersionConflict and ErrNotSaved mean that this Save did not land and will
	// not. Where that is in doubt, as after a broken connection, the error must be
	// another. Where it is certain, wrap ErrNotSaved or ErrRefused: without it the
	// caller reads back, saves again, and may have to report that it is unknown
	// whether the change was saved.
	//
	// Save neither changes rec nor keeps a reference to it or its Data.
	Save(ctx context.Context, rec *Record, expectVersion int64) error

	// Delete removes the record, whatever its version. If there is none, that
	// is no error. ErrNotSaved means that this Delete removed nothing and will not.
	Delete(ctx context.Context, id string) error
}
