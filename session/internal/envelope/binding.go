package envelope

import (
	"encoding/binary"
	"time"
)

// SecretSize is the length of the secret of a binding.
const SecretSize = 32

// Binding is the state of a session's binding to a device. The zero Binding is that of a
// session without one.
type Binding struct {
	Pending bool      // a registration was offered
	Until   time.Time // Pending: when the offer ends; Bound: when the present token ends

	Bound      bool // a key is registered
	Registered time.Time
	Proven     time.Time // when the browser last proved that it has the key
	Algorithm  byte      // of the key
	Key        string    // the public key
	Secret     [SecretSize]byte
	Proofs     uint64 // number of refreshes
}

const (
	bindingPending = 1
	bindingBound   = 2
)

// Binding returns the binding of the session.
func (f Fields) Binding() Binding {
	if f == "" {
		return Binding{}
	}
	d := decoder{rest: []byte(f.get(fieldBinding))}
	return d.binding()
}

// WithBinding returns f with b in place of the present binding.
func (f Fields) WithBinding(b Binding) Fields { return f.with(fieldBinding, string(b.append(nil))) }

// append appends the encoding of b, which is empty for the zero Binding:
//
//	byte      1 pending, 2 bound
//	uvarint   until (Unix milliseconds)
//	of a bound one:
//	uvarint   registered, proven
//	byte      algorithm
//	uvarint   length and bytes of the key
//	32 bytes  secret
//	uvarint   number of refreshes
func (b *Binding) append(dst []byte) []byte {
	switch {
	case b.Bound:
		dst = appendTime(append(dst, bindingBound), b.Until)
		dst = appendTime(appendTime(dst, b.Registered), b.Proven)
		dst = appendBytes(append(dst, b.Algorithm), b.Key)
		return binary.AppendUvarint(append(dst, b.Secret[:]...), b.Proofs)
	case b.Pending:
		return appendTime(append(dst, bindingPending), b.Until)
	}
	return dst
}

// binding takes a binding off the front, or returns the zero Binding if nothing is left.
func (d *decoder) binding() (b Binding) {
	if len(d.rest) == 0 {
		return b
	}
	switch d.byte() {
	case bindingPending:
		b.Pending, b.Until = true, d.time()
	case bindingBound:
		b.Bound, b.Until = true, d.time()
		b.Registered, b.Proven = d.time(), d.time()
		b.Algorithm = d.byte()
		b.Key = string(d.bytes())
		copy(b.Secret[:], d.take(SecretSize))
		b.Proofs = d.uvarint()
	default: // of a later version
		d.failed = true
	}
	return b
}

// validBinding reports whether encoded is what a Binding encodes.
func validBinding(encoded []byte) bool {
	d := decoder{rest: encoded}
	d.binding()
	return !d.failed && len(d.rest) == 0
}
