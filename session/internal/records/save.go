package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

// Value is the content of a record of one kind at one version. Nil means that there is no
// record.
type Value interface {
	comparable
	VersionNumber() int64                // 0 for nil
	Trace(commit int64) envelope.Lineage // whether that commit led to it
	Record(id string) *provider.Record   // to save
	UsesReserve() bool                   // may use the room that the provider keeps in reserve
}

// Kind says how the records of one kind are read and saved.
type Kind[V Value] struct {
	Read func(id string, rec *provider.Record) (V, error)

	// Recreates lets a first save of unknown outcome be sent again if no record is read
	// back. Without it such a save has failed: the record may have been deleted in between,
	// and must not come back.
	Recreates bool

	// Cache, if not nil, receives each value that is read or saved.
	Cache Cache

	// Saved, if not nil, is called after a save that has landed, or may have.
	Saved func(a *Access, id string, v V)
}

// Outcome is the outcome of a save.
type Outcome[V Value] struct {
	Landed       bool
	Current      V    // the conflicting value if Landed is false; nil: no record
	AfterUnknown bool // an attempt had an unknown outcome, which reading back has resolved
}

// Save stores v under id in place of the value of version expect, and determines the
// result of an attempt of unknown outcome. If the error is nil, v has either been saved
// or never will be.
func (k Kind[V]) Save(a *Access, id string, v V, expect int64) (Outcome[V], error) {
	out, err := k.save(a, id, v, expect)
	if k.Saved != nil && (out.Landed || errors.Is(err, ErrOutcomeUnknown)) {
		k.Saved(a, id, v)
	}
	return out, err
}

// save is Save that does not call Saved.
func (k Kind[V]) save(a *Access, id string, v V, expect int64) (Outcome[V], error) {
	rec := v.Record(id)
	a.reserve = a.reserve || v.UsesReserve()
	for unknown, try := 0, 1; ; try++ {
		now := a.now()
		if a.exhausted(now) {
			return Outcome[V]{}, failed(unknown, context.DeadlineExceeded)
		}
		err := k.attempt(a, now, id, v, rec, expect)
		switch {
		case err == nil:
			return Outcome[V]{Landed: true}, nil
		case unknown == 0 && refused(err):
			return Outcome[V]{}, Unavailable(err)
		case unknown == 0 && errors.Is(err, provider.ErrNotSaved): // reading back is not necessary
			if try >= maxUnknownSaves || !a.pause(afterFailure, try) {
				return Outcome[V]{}, Unavailable(err)
			}
			continue
		case !errors.Is(err, provider.ErrVersionConflict):
			unknown++
		}
		current, readErr := k.standing(a, id, err)
		if readErr != nil {
			return Outcome[V]{}, failed(unknown, fmt.Errorf("%w; reading back: %w", err, readErr))
		}
		if out, sure := k.resolve(v, expect, current, unknown > 0); sure {
			return out, nil
		}
		// If the record is unchanged, the save may still arrive. Sending it again is safe,
		// because it cannot be applied twice. Otherwise the history does not reach back to the
		// save.
		if current.VersionNumber() != expect || unknown == 0 || unknown >= maxUnknownSaves || !a.pause(afterFailure, unknown) {
			return Outcome[V]{}, failed(unknown, err)
		}
	}
}

// resolve returns the outcome of a save of v over the version expect, given the value
// that is stored now, and whether it is certain.
func (k Kind[V]) resolve(v V, expect int64, current V, afterUnknown bool) (out Outcome[V], sure bool) {
	var absent V
	if current == absent {
		return Outcome[V]{AfterUnknown: afterUnknown}, !k.Recreates || expect != 0 || !afterUnknown
	}
	lineage := current.Trace(v.VersionNumber())
	switch {
	case lineage == envelope.Ancestor:
		return Outcome[V]{Landed: true}, true
	case lineage == envelope.OutOfReach && afterUnknown:
		return Outcome[V]{}, false
	default: // lost for certain, unless the stored value is the one to replace
		return Outcome[V]{Current: current, AfterUnknown: afterUnknown}, current.VersionNumber() != expect
	}
}

// refused reports whether err says that nothing was saved and that the same save would
// fail again at once. It includes a save that had no time left to be sent, which is not
// worth the remaining time.
func refused(err error) bool {
	for _, reason := range []error{provider.ErrTooLarge, provider.ErrFull, provider.ErrInvalidRecord, provider.ErrRefused} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return errors.Is(err, provider.ErrNotSaved) && errors.Is(err, context.DeadlineExceeded)
}

// standing returns the value that caused the conflict: the one that the ConflictError
// holds, or else the one that is read back.
func (k Kind[V]) standing(a *Access, id string, err error) (absent V, _ error) {
	var conflict *provider.ConflictError
	if errors.As(err, &conflict) {
		if conflict.Current == nil {
			return absent, nil
		}
		return k.Read(id, conflict.Current)
	}
	return k.Fetch(a, id)
}

// attempt calls the provider once, and tells the Cache. After an error the Cache does not
// know what is stored.
func (k Kind[V]) attempt(a *Access, now time.Time, id string, v V, rec *provider.Record, expect int64) error {
	call := beginCall(k.Cache, id)
	err := a.saveOnce(now, rec, expect)
	if err != nil {
		removeCopy(k.Cache, id)
		return err
	}
	putCopy(k.Cache, id, v, call)
	return nil
}

// saveOnce saves with half of the remaining time.
func (a *Access) saveOnce(now time.Time, rec *provider.Record, expect int64) error {
	ctx, call := a.halfTimeout(now)
	defer call.End()
	return a.store.provider.Save(ctx, rec, expect)
}

// Fetch reads a record. After a failure it tries again while there is time.
func (k Kind[V]) Fetch(a *Access, id string) (V, error) {
	for try := 1; ; try++ {
		ctx, call := a.halfTimeout(a.now())
		found, err := k.FetchOnce(ctx, a.store, id)
		call.End()
		if err == nil || errors.Is(err, ErrUnreadable) || try >= maxUnknownSaves || !a.pause(afterFailure, try) {
			return found, err
		}
	}
}

// FetchNow is Fetch with one call.
func (k Kind[V]) FetchNow(a *Access, id string) (V, error) {
	ctx, call := a.halfTimeout(a.now())
	defer call.End()
	return k.FetchOnce(ctx, a.store, id)
}

// FetchOnce reads a record with one call under ctx.
func (k Kind[V]) FetchOnce(ctx context.Context, s *Store, id string) (absent V, _ error) {
	call := beginCall(k.Cache, id)
	rec, err := s.provider.Fetch(ctx, id)
	switch {
	case errors.Is(err, provider.ErrNotFound):
		putCopy(k.Cache, id, absent, call)
		return absent, nil
	case err != nil:
		return absent, Unavailable(err)
	}
	v, err := k.Read(id, rec)
	if err != nil {
		removeCopy(k.Cache, id)
		return absent, err
	}
	putCopy(k.Cache, id, v, call)
	return v, nil
}
