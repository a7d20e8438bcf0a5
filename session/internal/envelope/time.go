package envelope

import (
	"encoding/binary"
	"time"
)

// Time is a time as records keep it, in milliseconds since the Unix epoch. The zero Time
// stands for none. It takes a third of the memory of a time.Time, whose methods it has.
type Time int64

// TimeOf returns t to the millisecond, and the zero Time for that of package time. A time
// of 1970 or before becomes 1, to distinguish it from none.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(max(t.UnixMilli(), 1))
}

// Std returns t as a time.Time.
func (t Time) Std() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t))
}

// UnixMilli returns t as a number.
func (t Time) UnixMilli() int64 { return int64(t) }

// IsZero reports whether t stands for no time.
func (t Time) IsZero() bool { return t == 0 }

// Add returns t+d, to the millisecond.
func (t Time) Add(d time.Duration) Time { return t + Time(d/time.Millisecond) }

// Sub returns t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// Equal reports whether t and u are the same time.
func (t Time) Equal(u Time) bool { return t == u }

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t < u }

// After reports whether t is later than u.
func (t Time) After(u Time) bool { return t > u }

// String formats t as time.Time does.
func (t Time) String() string { return t.Std().String() }

func appendTime(dst []byte, t Time) []byte { return binary.AppendUvarint(dst, uint64(max(t, 0))) }
