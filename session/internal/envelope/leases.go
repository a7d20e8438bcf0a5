package envelope

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"time"
)

// HolderSize is the length of the random bytes that name the holder of a lease.
const HolderSize = 8

// Holder names the holder of a lease.
type Holder [HolderSize]byte

// Lease is the exclusive right to renew the value of a key.
type Lease struct {
	Key    string
	Holder Holder
	Until  time.Time     // when the lease ends, by the clock of the holder
	Lasts  time.Duration // how long it was taken for
}

// Leases are the leases of a session, encoded as in their field. "" means none. For each
// lease, in ascending order of keys:
//
//	uvarint length and bytes of the key, 8 bytes holder,
//	uvarint until (Unix milliseconds), uvarint duration in milliseconds
type Leases string

// Leases returns the leases of the session.
func (f Fields) Leases() Leases { return Leases(f.get(fieldLeases)) }

// WithLeases returns f with these leases in place of the present ones.
func (f Fields) WithLeases(l Leases) Fields { return f.with(fieldLeases, string(l)) }

// Find returns the lease of that key.
func (l Leases) Find(key string) (Lease, bool) {
	for lease := range l.all() {
		if lease.Key == key {
			return lease, true
		}
	}
	return Lease{}, false
}

// With returns l with that lease in place of the key's present one.
func (l Leases) With(lease Lease) Leases {
	all := slices.AppendSeq([]Lease{lease}, l.Without(lease.Key).all())
	slices.SortFunc(all, func(a, b Lease) int { return cmp.Compare(a.Key, b.Key) })
	return encodeLeases(all)
}

// Without returns l without the lease of that key.
func (l Leases) Without(key string) Leases {
	all := slices.Collect(l.all())
	return encodeLeases(slices.DeleteFunc(all, func(lease Lease) bool { return lease.Key == key }))
}

// all returns the leases in ascending order of keys.
func (l Leases) all() iter.Seq[Lease] { return sequence(string(l), (*decoder).lease) }

func encodeLeases(all []Lease) Leases {
	var encoded []byte
	for i := range all {
		encoded = all[i].append(encoded)
	}
	return Leases(encoded)
}

func (l *Lease) append(dst []byte) []byte {
	dst = appendBytes(dst, l.Key)
	dst = append(dst, l.Holder[:]...)
	dst = appendTime(dst, TimeOf(l.Until))
	return binary.AppendUvarint(dst, uint64(max(l.Lasts.Milliseconds(), 0)))
}

func (d *decoder) lease() Lease {
	lease := Lease{Key: string(d.bytes())}
	copy(lease.Holder[:], d.take(HolderSize))
	lease.Until = d.time().Std()
	ms := d.uvarint()
	if ms > uint64(maxMilli) {
		d.failed = true
		return Lease{}
	}
	lease.Lasts = time.Duration(ms) * time.Millisecond
	return lease
}

// validLeases reports whether encoded is what Leases encode: keys in ascending order, none
// of them empty.
func validLeases(encoded []byte) bool {
	return validSequence(encoded, (*decoder).lease, func(l Lease) string { return l.Key }, func(Lease) bool { return true })
}
