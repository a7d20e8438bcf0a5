package backup

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sealed"
)

// encode returns the content of a frame that has rec.
func encode(rec *provider.Record) []byte {
	b := make([]byte, 0, len(rec.ID)+len(rec.Format)+len(rec.Data)+4*binary.MaxVarintLen64)
	b = binary.AppendUvarint(b, uint64(len(rec.ID)))
	b = append(b, rec.ID...)
	b = binary.AppendVarint(b, rec.Version)
	b = binary.AppendVarint(b, provider.Millis(rec.ExpiresAt))
	b = binary.AppendUvarint(b, uint64(len(rec.Format)))
	b = append(b, rec.Format...)
	return append(b, rec.Data...)
}

var errContent = errors.New("its content is not a record")

// decode is the inverse of encode. The record shares memory with b.
func decode(b []byte) (*provider.Record, error) {
	d := decoder{rest: b}
	rec := &provider.Record{ID: d.text(), Version: d.number()}
	millis := d.number()
	rec.Format = d.text()
	if d.failed || millis < 0 {
		return nil, errContent
	}
	rec.ExpiresAt, rec.Data = provider.FromMillis(millis), d.rest
	if rec.Validate(-1) != nil {
		return nil, errContent
	}
	return rec, nil
}

type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) number() int64 {
	v, n := binary.Varint(d.rest)
	d.skip(n)
	return v
}

func (d *decoder) text() string {
	length, n := binary.Uvarint(d.rest)
	d.skip(n)
	if d.failed || length > uint64(len(d.rest)) {
		d.failed = true
		return ""
	}
	text := string(d.rest[:length])
	d.rest = d.rest[length:]
	return text
}

// skip moves on by what a varint took; n is not positive if there was none.
func (d *decoder) skip(n int) {
	if n <= 0 {
		d.failed = true
		return
	}
	d.rest = d.rest[n:]
}

const endID = "holdfast-backup/end"

// end is the Data of the last frame's record.
type end struct {
	SHA256 []byte `json:"sha256"`
}

func (e end) record() (*provider.Record, error) {
	text, err := json.Marshal(e)
	return &provider.Record{ID: endID, Version: 1, Format: "json", Data: text}, err
}

func endOf(rec *provider.Record) (e end, err error) {
	if rec.ID != endID || json.Unmarshal(rec.Data, &e) != nil {
		return end{}, errContent
	}
	return e, nil
}

// seals seals and opens records. The zero seals leaves them as they are.
type seals struct {
	hand *hand
	*sealed.Provider
}

func newSeals(keys [][]byte) (seals, error) {
	h := new(hand)
	p, err := sealed.New(h, keys)
	return seals{h, p}, err
}

func (s seals) seal(rec *provider.Record) (*provider.Record, error) {
	if s.Provider == nil {
		return rec, nil
	}
	err := s.Save(context.Background(), rec, -1)
	return s.hand.rec, err
}

func (s seals) open(rec *provider.Record) (*provider.Record, error) {
	if s.Provider == nil {
		return rec, nil
	}
	s.hand.rec = rec
	return s.Fetch(context.Background(), rec.ID)
}

// hand is a store that has one record.
type hand struct{ rec *provider.Record }

func (h *hand) Fetch(context.Context, string) (*provider.Record, error) { return h.rec, nil }

func (h *hand) Save(_ context.Context, rec *provider.Record, _ int64) error {
	h.rec = rec
	return nil
}

func (h *hand) Delete(context.Context, string) error { return nil }
