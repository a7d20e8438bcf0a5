package envelope

import "encoding/binary"

// SecretSize is the length of the secret of a binding.
const SecretSize = 32

// Binding is the state of a session's binding to a device. The zero Binding is that of a
// session without one.
type Binding struct {
	Pending bool // a registration was offered
	Until   Time // Pending: when the offer ends; Bound: when the newest token ends

	Bound      bool // a key is registered
	Registered Time
	Proven     Time   // when the browser last proved that it has the key
	Algorithm  byte   // of the key
	Key        string // the public key
	Secret     [SecretSize]byte
	Proofs     uint64                      // number of refreshes, which is the number of the newest token
	Seen       uint64                      // one more than the number of the newest token that came in a request; 0: none came
	Earlier    [MaxEarlierTokens]TokenLife // of tokens before the newest that have not ended, newest first
	BoundAs    string                      // the ID of the record when the key was registered; "": the session was not renewed since
}

// MaxEarlierTokens is the maximum number of tokens before the newest that are still good.
const MaxEarlierTokens = 3

// TokenLife is the life of one token of a bound session. The zero TokenLife is that of none.
type TokenLife struct {
	Number uint64 // of refreshes before it
	Until  Time
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
//	uvarint   number of refreshes, seen
//	byte      number of earlier tokens; for each:
//	uvarint   number, until
//	uvarint   length and bytes of the ID of the record when the key was registered
func (b *Binding) append(dst []byte) []byte {
	switch {
	case b.Bound:
		dst = appendTime(append(dst, bindingBound), b.Until)
		dst = appendTime(appendTime(dst, b.Registered), b.Proven)
		dst = appendBytes(append(dst, b.Algorithm), b.Key)
		dst = binary.AppendUvarint(append(dst, b.Secret[:]...), b.Proofs)
		dst = b.appendEarlier(binary.AppendUvarint(dst, b.Seen))
		return appendBytes(dst, b.BoundAs)
	case b.Pending:
		return appendTime(append(dst, bindingPending), b.Until)
	}
	return dst
}

func (b *Binding) appendEarlier(dst []byte) []byte {
	count := 0
	for count < len(b.Earlier) && b.Earlier[count] != (TokenLife{}) {
		count++
	}
	dst = append(dst, byte(count))
	for _, t := range b.Earlier[:count] {
		dst = appendTime(binary.AppendUvarint(dst, t.Number), t.Until)
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
		b.Proofs, b.Seen = d.uvarint(), d.uvarint()
		d.earlier(&b)
		b.BoundAs = string(d.bytes())
	default: // of a later version
		d.failed = true
	}
	return b
}

// earlier takes the earlier tokens of b off the front.
func (d *decoder) earlier(b *Binding) {
	count := int(d.byte())
	d.failed = d.failed || count > len(b.Earlier) || b.Seen > 0 && b.Seen-1 > b.Proofs
	before := b.Proofs
	for i := 0; i < count && !d.failed; i++ {
		t := TokenLife{d.uvarint(), d.time()}
		d.failed = d.failed || t.Number >= before || t.Until == 0
		b.Earlier[i], before = t, t.Number
	}
}

// validBinding reports whether encoded is what a Binding encodes.
func validBinding(encoded []byte) bool {
	d := decoder{rest: encoded}
	d.binding()
	return !d.failed && len(d.rest) == 0
}
