package provider

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a Record, in bytes.
const (
	MaxIDLength     = 255
	MaxFormatLength = 255
)

// Record is one versioned value in a store.
//
// ID and Format are UTF-8 without NUL, since not every database can store NUL. IDs are
// compared byte by byte: case, blanks and Unicode normalization matter.
type Record struct {
	ID        string    // unique, 1 to MaxIDLength bytes
	Version   int64     // optimistic locking version, > 0
	ExpiresAt time.Time // when the record stops existing, before the year 10000; zero: never
	Format    string    // how to read Data, up to MaxFormatLength bytes
	Data      []byte    // opaque
}

// Clone returns a copy of r that shares no memory with it.
func (r *Record) Clone() *Record {
	c := *r
	c.Data = slices.Clone(r.Data)
	return &c
}

// Expired reports whether r has stopped existing at the time now.
func (r *Record) Expired(now time.Time) bool {
	return !r.ExpiresAt.IsZero() && Millis(now) >= Millis(r.ExpiresAt)
}

// Validate returns an error that wraps ErrInvalidRecord if r must not be saved with
// expectVersion. A nil Record is not valid.
func (r *Record) Validate(expectVersion int64) error {
	switch {
	case r == nil:
		return fmt.Errorf("%w: nil", ErrInvalidRecord)
	case r.Version <= 0 && expectVersion >= 0:
		return fmt.Errorf("%w: Version is not positive", ErrInvalidRecord)
	case r.ExpiresAt.Before(time.Time{}), !r.ExpiresAt.Before(year10000):
		return fmt.Errorf("%w: ExpiresAt is not in the years 1 to 9999", ErrInvalidRecord)
	}
	if err := validateText("Format", r.Format, MaxFormatLength); err != nil {
		return err
	}
	return ValidateID(r.ID)
}

// ValidateID returns an error that wraps ErrInvalidRecord if id is not valid as the ID of
// a record.
func ValidateID(id string) error {
	if id == "" {
		return fmt.Errorf("%w: ID is empty", ErrInvalidRecord)
	}
	return validateText("ID", id, MaxIDLength)
}

func validateText(field, s string, limit int) error {
	switch {
	case len(s) > limit:
		return fmt.Errorf("%w: %s is over %d bytes long", ErrInvalidRecord, field, limit)
	case strings.IndexByte(s, 0) >= 0:
		return fmt.Errorf("%w: %s contains a NUL", ErrInvalidRecord, field)
	case !utf8.ValidString(s):
		return fmt.Errorf("%w: %s is not valid UTF-8", ErrInvalidRecord, field)
	}
	return nil
}

// year10000 is the limit of RFC 3339. Without a limit, a time.Unix(math.MaxInt64, 0) that
// was meant as "never" would overflow to a time in the distant past.
var year10000 = time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Millis returns a valid ExpiresAt as a number for stores: milliseconds since the Unix
// epoch, rounded down, and 0 for the zero Time. A time of 1970 or before is in the past
// in any case; it becomes 1 to distinguish it from zero.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, t.UnixMilli())
}

// FromMillis is the inverse of Millis. It returns the time in UTC, or the zero Time for
// 0.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
