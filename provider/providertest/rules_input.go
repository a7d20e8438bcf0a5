package providertest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// contentRules are about the valid content of a record.
var contentRules = []rule{
	{
		"data-binary",
		"Data may be any bytes.",
		func(s *subject) {
			every := make([]byte, 256)
			for i := range every {
				every[i] = byte(i)
			}
			for _, data := range []string{string(every), "\x00", "\x00\x00a\x00", "\xff\xfe", "\r\n", " a ", `\x00'"`, "7"} {
				s.keepsData([]byte(data))
			}
		},
	},
	{
		"data-empty",
		"Data may be empty or nil. Fetch returns either.",
		func(s *subject) {
			s.keepsData([]byte{})
			s.keepsData(nil)
			rec := s.stored()
			next := successor(rec)
			next.Data = nil
			s.save(next, rec.Version)
			s.holds(next)
		},
	},
	{
		"data-large",
		"Data may have 64 KiB.",
		func(s *subject) { s.keepsData(newData(64 << 10)) },
	},
	{
		"data-too-large",
		"A record over the store's limit is refused with ErrTooLarge, and the stored record stays; Fetch returns a smaller one as a whole.",
		func(s *subject) {
			for _, size := range []int{128 << 10, 512 << 10, 2 << 20} {
				rec := s.stored()
				next := successor(rec)
				next.Data = newData(size)
				if s.either(s.Save(s.ctx, next, rec.Version), provider.ErrTooLarge) {
					s.holds(rec)
				} else {
					s.holds(next)
				}
			}
		},
	},
	{
		"format",
		"Format may be empty, or up to MaxFormatLength bytes of any UTF-8 without NUL.",
		func(s *subject) {
			for _, format := range append(texts(), "", strings.Repeat("x", provider.MaxFormatLength), strings.Repeat("é", provider.MaxFormatLength/2)) {
				rec := s.newRecord()
				rec.Format = format
				s.save(rec, 0)
				s.holds(rec)
			}
		},
	},
	{
		"id",
		"An ID may be up to MaxIDLength bytes of any UTF-8 without NUL.",
		func(s *subject) {
			ids := []string{}
			for _, text := range texts() {
				id := s.newID()
				ids = append(ids, s.ownID(id+text), s.ownID(text+id))
			}
			for _, unit := range []string{"x", "é", "日", "🍪"} {
				id := s.newID()
				id += strings.Repeat(unit, (provider.MaxIDLength-len(id))/len(unit))
				id += strings.Repeat("x", provider.MaxIDLength-len(id))
				ids = append(ids, s.ownID(id))
			}
			for _, id := range ids {
				rec := s.newRecord()
				rec.ID = id
				s.save(rec, 0)
				s.holds(rec)
				s.delete(id)
				s.lacks(id)
			}
		},
	},
	{
		"id-exact",
		"IDs are the same only if all of their bytes are.",
		func(s *subject) {
			id := s.newID()
			var recs []*provider.Record
			long := strings.Repeat("x", provider.MaxIDLength-1-len(id))
			for _, end := range []string{"", "a", "A", "a ", " a", "a/", "a/.", "a\t", "á", "a\u0301", "ａ", "%", "*", "?", "aa", "ß", "ss", long + "a", long + "b"} {
				rec := s.newRecord()
				rec.ID = s.ownID(id + end)
				s.save(rec, 0)
				recs = append(recs, rec)
			}
			for _, rec := range recs {
				s.holds(rec)
			}
			for i, rec := range recs {
				s.delete(rec.ID)
				for _, other := range recs[i+1:] {
					s.holds(other)
				}
			}
		},
	},
}

// keepsData wants data to come back unchanged, from a create and from an update.
func (s *subject) keepsData(data []byte) {
	rec := s.newRecord()
	rec.Data = data
	s.save(rec, 0)
	s.holds(rec)
	next := successor(rec)
	next.Data = data
	s.save(next, rec.Version)
	s.holds(next)
}

// texts returns strings that are unusual but valid.
func texts() []string {
	return []string{
		" ", "/", "../", `\`, `"`, "'", "`", "%00", "%s", "*", "?", "[a]", "{a}", ":", ";--", "#", "$1", "&=", "\t\r\n",
		"\x01\x1b\x7f", "é", "e\u0301", "日本語", "🍪", "\u202eabc", "\ufeff", "\ufffd", "\U0010ffff",
	}
}

// inputRules are about invalid records.
var inputRules = []rule{
	{
		"invalid-id",
		"Fetch, Save and Delete refuse an ID that is empty, too long, not UTF-8 or has a NUL, with ErrInvalidRecord.",
		func(s *subject) {
			own := s.newID()
			for _, id := range []string{
				"",
				own + strings.Repeat("x", provider.MaxIDLength+1-len(own)),
				strings.Repeat("é", provider.MaxIDLength/2+1),
				own + "\x00", "\x00" + own, own + "\xff", "\xed\xa0\x80" + own, own + "é"[:1],
			} {
				rec := s.newRecord()
				rec.ID = s.ownID(id)
				for _, expectVersion := range []int64{0, 1, -1} {
					s.refuses(fmt.Sprintf("Save of ID %q", id), s.Save(s.ctx, rec, expectVersion))
				}
				_, err := s.Fetch(s.ctx, id)
				s.refuses(fmt.Sprintf("Fetch of ID %q", id), err)
				s.refuses(fmt.Sprintf("Delete of ID %q", id), s.Delete(s.ctx, id))
			}
		},
	},
	{
		"invalid-version",
		"Save with expectVersion >= 0 refuses a Version that is not positive, with ErrInvalidRecord, and the stored record stays.",
		func(s *subject) {
			for _, version := range []int64{0, -1, math.MinInt64} {
				s.refusesChange(fmt.Sprintf("version %d", version), false, func(rec *provider.Record) { rec.Version = version })
			}
		},
	},
	{
		"invalid-format",
		"Save refuses a Format that is too long, not UTF-8 or has a NUL, with ErrInvalidRecord, and the stored record stays.",
		func(s *subject) {
			for _, format := range []string{"a\x00", "\xff", "é"[:1], strings.Repeat("x", provider.MaxFormatLength+1)} {
				s.refusesChange(fmt.Sprintf("Format %q", format), true, func(rec *provider.Record) { rec.Format = format })
			}
		},
	},
	{
		"invalid-expiry",
		"Save refuses an ExpiresAt that is not in the years 1 to 9999 (UTC), with ErrInvalidRecord, and the stored record stays.",
		func(s *subject) {
			for _, at := range []time.Time{
				time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC),
				time.UnixMilli(math.MaxInt64),
				time.Unix(math.MaxInt64, 0),
				time.Time{}.Add(-1),
			} {
				s.refusesChange(fmt.Sprintf("ExpiresAt %v", at), true, func(rec *provider.Record) { rec.ExpiresAt = at })
			}
		},
	},
	{
		"invalid-nil",
		"Save refuses a nil record, with ErrInvalidRecord.",
		func(s *subject) {
			for _, expectVersion := range []int64{0, 1, -1} {
				s.refuses("Save of nil", s.Save(s.ctx, nil, expectVersion))
			}
		},
	},
	{
		"errors-discreet",
		"No error contains a record's ID or data.",
		func(s *subject) {
			rec := s.newRecord()
			rec.Data = []byte("secret" + s.newID())
			s.save(rec, 0)
			next := successor(rec)
			next.Data = rec.Data
			s.discreet(rec, "creating an existing record", s.Save(s.ctx, next, 0))
			s.discreet(rec, "a stale update", s.Save(s.ctx, next, rec.Version+1))
			s.delete(rec.ID)
			s.discreet(rec, "updating a missing record", s.Save(s.ctx, next, rec.Version))
			_, err := s.Fetch(s.ctx, rec.ID)
			s.discreet(rec, "fetching a missing record", err)
			_, err = s.Fetch(s.ctx, rec.ID+"\x00")
			s.discreet(rec, "fetching an invalid ID", err)
			s.discreet(rec, "deleting an invalid ID", s.Delete(s.ctx, rec.ID+"\x00"))

			invalid, large := next.Clone(), next.Clone()
			invalid.Format = "\x00"
			s.discreet(rec, "saving an invalid record", s.Save(s.ctx, invalid, -1))
			large.Data = bytes.Repeat(rec.Data, 1<<15)
			s.discreet(rec, "saving a large record", s.Save(s.ctx, large, -1))

			ctx, cancel := context.WithCancel(s.ctx)
			cancel()
			_, err = s.Fetch(ctx, rec.ID)
			s.discreet(rec, "fetching with a cancelled context", err)
			s.discreet(rec, "saving with a cancelled context", s.Save(ctx, next, -1))
		},
	},
}

// discreet wants err, if not nil, to contain nothing of rec.
func (s *subject) discreet(rec *provider.Record, call string, err error) {
	if err == nil {
		return
	}
	for _, secret := range []string{rec.ID, string(rec.Data)} {
		if strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
			s.failf("%s: the error %q contains %q", call, err, secret)
		}
	}
}

// refusesChange wants a record to be refused after change.
func (s *subject) refusesChange(what string, unchecked bool, change func(*provider.Record)) {
	rec := s.stored()
	next := successor(rec)
	change(next)
	expected := []int64{0, rec.Version}
	if unchecked {
		expected = append(expected, -1)
	}
	for _, expectVersion := range expected {
		s.refuses("Save of "+what, s.Save(s.ctx, next, expectVersion))
		s.holds(rec)
	}
}
