package envelope

import "encoding/binary"

// Rotation is the state of a session's rotation. The zero Rotation is that of a session
// that was never rotated: index 0 is confirmed since it began.
type Rotation struct {
	Issued      uint64 // the highest index that was issued
	IssuedAt    Time   // when it was issued
	Confirmed   uint64 // the last index that was confirmed
	ConfirmedAt Time   // when it was confirmed; zero while a higher index is pending
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
	encoded := appendTime(binary.AppendUvarint(nil, r.Issued), r.IssuedAt)
	encoded = appendTime(binary.AppendUvarint(encoded, r.Confirmed), r.ConfirmedAt)
	return f.with(fieldRotation, string(encoded))
}

// validRotation reports whether encoded is a state that a session comes to.
func validRotation(encoded []byte) bool {
	r, rest, ok := parseRotation(string(encoded))
	return ok && rest == "" && !r.IssuedAt.IsZero() && 0 < r.Issued &&
		(r.Confirmed < r.Issued || r.Confirmed == r.Issued && !r.ConfirmedAt.IsZero())
}

// parseRotation decodes a Rotation without an allocation: every request asks for it.
func parseRotation(s string) (r Rotation, rest string, ok bool) {
	var numbers [4]uint64
	for i := range numbers {
		if numbers[i], s, ok = cutUvarint(s); !ok {
			return Rotation{}, s, false
		}
	}
	if max(numbers[1], numbers[3]) > uint64(maxMilliseconds) {
		return Rotation{}, s, false
	}
	return Rotation{numbers[0], Time(numbers[1]), numbers[2], Time(numbers[3])}, s, true
}
