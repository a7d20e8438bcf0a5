package envelope

import (
	"crypto/rand"
	"encoding/binary"
	"math"
)

// HistoryLimit is the number of earlier commits that a record remembers. A commit whose
// outcome is unknown can be found in the history only while fewer commits than this have
// followed it. With a limit of 16, too many commits of a busy session came before the
// read-back.
const HistoryLimit = 64

const tagSize = 4 // bytes of a version that are random

// NextVersion returns a version that follows prev, which is 0 for a first one. The upper
// half is a counter, so that versions grow. The lower half is 32 random bits, so that no
// version is used twice, even if a failover or a delete resets the counter (the ABA
// problem). A version names the commit that made it.
func NextVersion(prev int64) int64 {
	var tag [tagSize]byte
	_, _ = rand.Read(tag[:]) // never fails: it aborts the program instead
	return (prev>>32+1)<<32 | int64(binary.BigEndian.Uint32(tag[:]))
}

// ValidVersion reports whether v is a version that NextVersion makes and can follow.
func ValidVersion(v int64) bool { return v>>32 > 0 && v>>32 < math.MaxInt32 }

// History holds the commits before the record's own, newest first. Each is stored as the
// random half of its version. Their counters are consecutive and therefore not stored.
type History []byte

// appendPushed appends the encoded history of a record that follows one of this version
// and history.
func (h History) appendPushed(dst []byte, version int64) []byte {
	if version == 0 {
		return append(dst, 0)
	}
	h = h[:min(len(h), (HistoryLimit-1)*tagSize)]
	dst = append(dst, byte(1+len(h)/tagSize))
	dst = binary.BigEndian.AppendUint32(dst, uint32(version))
	return append(dst, h...)
}

// Lineage says whether a commit has led to a record.
type Lineage int

// These are the results of Trace.
const (
	NotAncestor Lineage = iota // it did not lead here
	Ancestor                   // it is the record's own commit or an earlier one
	OutOfReach                 // it is older than the history
)

// Trace reports whether commit has led to the record of this version and history.
func (h History) Trace(version, commit int64) Lineage {
	if version == commit {
		return Ancestor
	}
	back := version>>32 - commit>>32
	if back <= 0 {
		return NotAncestor
	}
	at := (back - 1) * tagSize
	if at >= int64(len(h)) {
		return OutOfReach
	}
	if binary.BigEndian.Uint32(h[at:]) == uint32(commit) {
		return Ancestor
	}
	return NotAncestor
}
