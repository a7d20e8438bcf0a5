package sealed

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/holdfast-go/holdfast/provider"
)

// The record in the store has the ID, Version and ExpiresAt of the one that is
// sealed, the Format "holdfast-sealed", and as Data
//
//	layout  byte, 1
//	name    8 bytes, of the key
//	salt    12 bytes  } the nonce of XAES-256-GCM
//	nonce   12 bytes  }
//	text    encrypted: Format, a zero byte, Data
//	tag     16 bytes
//
// A Format has no zero byte. The additional data are
//
//	layout     byte, 1
//	Version    8 bytes, big-endian
//	ExpiresAt  8 bytes, big-endian: provider.Millis
//	ID         the rest
const (
	layout = 1

	nameAt = 1
	saltAt = nameAt + nameSize
	boxAt  = saltAt + saltSize // nonce, text and tag: what package cipher calls sealed

	nonceSize = 12
	tagSize   = 16
)

// seal returns the record to store in the place of rec.
func (ks keys) seal(rec *provider.Record) *provider.Record {
	k := ks[0]
	data := make([]byte, boxAt, boxAt+nonceSize+len(rec.Format)+1+len(rec.Data)+tagSize)
	data[0] = layout
	copy(data[nameAt:], k.name[:])
	salt := data[saltAt:boxAt]
	rand.Read(salt) // never fails

	text := append(data[boxAt:], rec.Format...)
	text = append(text, 0)
	text = append(text, rec.Data...)
	sealed := *rec
	sealed.Format = Format
	sealed.Data = k.aead(salt).Seal(data, nil, text, additional(rec)) // in place
	return &sealed
}

// open is the inverse of seal, in place. Rec is not trusted: it may be anything.
func (ks keys) open(rec *provider.Record, id string) error {
	switch {
	case rec == nil || rec.ID != id:
		return unreadable("the store returned no record or another one")
	case rec.Format != Format:
		return unreadable("it is not sealed")
	case len(rec.Data) < boxAt+nonceSize+tagSize || rec.Data[0] != layout:
		return unreadable("its layout is unknown")
	}
	k := ks.named(rec.Data[nameAt:saltAt])
	if k == nil {
		return unreadable("its key is not there")
	}
	salt, box := rec.Data[saltAt:boxAt], rec.Data[boxAt:]
	text, err := k.aead(salt).Open(box[:0], nil, box, additional(rec))
	if err != nil {
		return unreadable("it is not as it was sealed")
	}
	original, data, ok := bytes.Cut(text, []byte{0})
	if !ok {
		return unreadable("it was not sealed by this package")
	}
	rec.Format, rec.Data = string(original), data
	return nil
}

// additional returns the authenticated, unencrypted data of rec.
func additional(rec *provider.Record) []byte {
	b := make([]byte, 0, 1+8+8+len(rec.ID))
	b = append(b, layout)
	b = binary.BigEndian.AppendUint64(b, uint64(rec.Version))
	b = binary.BigEndian.AppendUint64(b, uint64(provider.Millis(rec.ExpiresAt)))
	return append(b, rec.ID...)
}

func unreadable(why string) error { return fmt.Errorf("sealed: %w: %s", provider.ErrUnreadable, why) }
