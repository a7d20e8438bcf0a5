package envelope

import (
	"encoding/binary"
	"time"
)

// Times are what a session keeps of its own about time, besides the times that every
// record has.
type Times struct {
	Authenticated Time          // when the session was last renewed; zero: never
	Idle          time.Duration // its own idle timeout; 0: that of the Config
	Lifetime      time.Duration // its own lifetime; 0: that of the Config
}

// Times returns the times of the session.
func (f Fields) Times() Times {
	if f == "" {
		return Times{}
	}
	t, _, _ := parseTimes(f.get(fieldTimes))
	return t
}

// WithTimes returns f with t in place of the present times. Durations are rounded up to
// milliseconds, so that none becomes 0, which would mean that there is no limit.
func (f Fields) WithTimes(t Times) Fields {
	if t == (Times{}) {
		return f.with(fieldTimes, "")
	}
	encoded := appendTime(nil, t.Authenticated)
	encoded = binary.AppendUvarint(encoded, milliseconds(t.Idle))
	encoded = binary.AppendUvarint(encoded, milliseconds(t.Lifetime))
	return f.with(fieldTimes, string(encoded))
}

func milliseconds(d time.Duration) uint64 {
	ms := max(d.Milliseconds(), 0)
	if d > time.Duration(ms)*time.Millisecond {
		ms++
	}
	return min(uint64(ms), uint64(maxMilliseconds))
}

// maxMilliseconds is the longest time.Duration in milliseconds.
const maxMilliseconds = int64(1<<63-1) / int64(time.Millisecond)

// validTimes reports whether encoded is what Times encode.
func validTimes(encoded []byte) bool {
	t, rest, ok := parseTimes(string(encoded))
	return ok && rest == "" && t != (Times{})
}

// parseTimes decodes Times without an allocation: every request asks for them.
func parseTimes(s string) (t Times, rest string, ok bool) {
	var ms [3]uint64
	for i := range ms {
		if ms[i], s, ok = cutUvarint(s); !ok || ms[i] > uint64(maxMilliseconds) {
			return Times{}, s, false
		}
	}
	t.Authenticated = Time(ms[0])
	t.Idle, t.Lifetime = time.Duration(ms[1])*time.Millisecond, time.Duration(ms[2])*time.Millisecond
	return t, s, true
}

// cutUvarint takes a number in its shortest encoding off the front of s.
func cutUvarint(s string) (v uint64, rest string, ok bool) {
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		b := s[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return v, s[i+1:], i == 0 || b != 0 && (i < binary.MaxVarintLen64-1 || b == 1)
		}
	}
	return 0, "", false
}
