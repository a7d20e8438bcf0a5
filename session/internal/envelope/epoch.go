package envelope

import "encoding/binary"

// MaxEpoch is the largest number of an epoch.
const MaxEpoch = 1 << 40

// Epoch returns the epoch in which the session began. It is 0 for a session that began
// before the first call of RevokeEverything.
func (f Fields) Epoch() int64 {
	epoch, _, _ := cutUvarint(f.get(fieldEpoch))
	return int64(epoch)
}

// WithEpoch returns f with that epoch in place of the present one.
func (f Fields) WithEpoch(epoch int64) Fields {
	if epoch == 0 {
		return f.with(fieldEpoch, "")
	}
	return f.with(fieldEpoch, string(binary.AppendUvarint(nil, uint64(epoch))))
}

// validEpoch reports whether encoded is a number from 1 to MaxEpoch in its shortest form.
func validEpoch(encoded []byte) bool {
	d := decoder{rest: encoded}
	epoch := d.uvarint()
	return !d.failed && len(d.rest) == 0 && 0 < epoch && epoch <= MaxEpoch
}
