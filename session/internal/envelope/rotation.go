package envelope

import "encoding/binary"

// Rotation is the state of a session's rotation. The zero Rotation is that of a session
// that was never rotated. An index is the time of its issue in Unix milliseconds; index 0
// is that of the session's first cookie.
type Rotation struct {
	Confirmed    uint64 // the index that was confirmed last
	ConfirmedAt  Time   // when; zero while an index is pending
	Issued       uint64 // the highest index that was issued
	PendingSince Time   // when the first index after Confirmed was issued; zero: none is pending
	Replaced     uint64 // what Issued was before that; 0 if none is pending
}

// Rotation returns the state of the session's rotation.
func (f Fields) Rotation() Rotation {
	if f == "" {
		return Rotation{}
	}
	r, _, _ := parseRotation(f.get(fieldRotation))
	return r
}

// WithRotation returns f with r in place of the present state.
func (f Fields) WithRotation(r Rotation) Fields {
	if r == (Rotation{}) {
		return f.with(fieldRotation, "")
	}
	encoded := appendTime(binary.AppendUvarint(nil, r.Confirmed), r.ConfirmedAt)
	encoded = appendTime(binary.AppendUvarint(encoded, r.Issued), r.PendingSince)
	return f.with(fieldRotation, string(binary.AppendUvarint(encoded, r.Replaced)))
}

// validRotation reports whether encoded is a state that a session comes to.
func validRotation(encoded []byte) bool {
	r, rest, ok := parseRotation(string(encoded))
	switch {
	case !ok || rest != "" || r.Issued == 0:
		return false
	case r.PendingSince.IsZero():
		return !r.ConfirmedAt.IsZero() && 0 < r.Confirmed && r.Confirmed <= r.Issued && r.Replaced == 0
	}
	return r.ConfirmedAt.IsZero() && r.Confirmed <= r.Replaced && r.Replaced < r.Issued
}

// parseRotation decodes a Rotation without an allocation: every request asks for it.
func parseRotation(s string) (r Rotation, rest string, ok bool) {
	var numbers [5]uint64
	for i := range numbers {
		if numbers[i], s, ok = cutUvarint(s); !ok || numbers[i] > uint64(maxMilliseconds) {
			return Rotation{}, s, false
		}
	}
	return Rotation{numbers[0], Time(numbers[1]), numbers[2], Time(numbers[3]), numbers[4]}, s, true
}
