package migrate_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

// kinds are records of every kind that there may be.
func kinds() map[string]*provider.Record {
	at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	return map[string]*provider.Record{
		"usual":                  {ID: "id", Version: 1 << 40, ExpiresAt: at, Format: "cbor", Data: []byte("data")},
		"no data":                {ID: "id", Version: 1, ExpiresAt: at, Format: "cbor"},
		"no format":              {ID: "id", Version: 1, ExpiresAt: at, Data: []byte("data")},
		"nothing":                {ID: "id", Version: 1},
		"never expires":          {ID: "id", Version: 1, Format: "cbor", Data: []byte("data")},
		"greatest version":       {ID: "id", Version: math.MaxInt64, ExpiresAt: at, Data: []byte("data")},
		"longest format":         {ID: "id", Version: 1, Format: strings.Repeat("f", provider.MaxFormatLength), Data: []byte("data")},
		"format with blanks":     {ID: "id", Version: 1, Format: " a b\n ", Data: []byte("data")},
		"data like a format":     {ID: "id", Version: 1, Format: "x", Data: []byte("x x x")},
		"longest ID":             {ID: strings.Repeat("i", provider.MaxIDLength), Version: 1, Data: []byte("data")},
		"latest ExpiresAt":       {ID: "id", Version: 1, ExpiresAt: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		"a megabyte of data":     {ID: "id", Version: 1, Data: make([]byte, 1<<20)},
		"bytes that are no text": {ID: "id", Version: 1, Data: []byte("\x00\xff\xfe")},
	}
}

// A record of any kind is moved as it is, also if the move was interrupted.
func TestEveryKindOfRecordIsMoved(t *testing.T) {
	for name, rec := range kinds() {
		t.Run(name, func(t *testing.T) {
			s := newPair()
			save(t, s.from, rec, 0)
			leaveMoving(t, s, rec.ID)
			holds(t, s.open(t, prepare), rec)
			holds(t, s.to, rec)
		})
	}
}

// While a record is moved, from has little more than it had: a record that the store just
// takes can be moved, or the error says that it is too large, and the record stays.
func TestMarkerIsNotMuchLonger(t *testing.T) {
	for name, rec := range kinds() {
		t.Run(name, func(t *testing.T) {
			s := newPair()
			save(t, s.from, rec, 0)
			leaveMoving(t, s, rec.ID)
			marker, err := s.from.Provider.Fetch(t.Context(), rec.ID)
			if err != nil {
				t.Fatal(err)
			}
			if more := size(marker) - size(rec); !migrate.IsMoving(marker.Format) || more > migrate.MaxOverhead {
				t.Errorf("the marker %q is longer by %d bytes, want at most %d", marker.Format, more, migrate.MaxOverhead)
			}
			if !marker.ExpiresAt.IsZero() {
				t.Error("the marker expires")
			}
		})
	}
}

func size(rec *provider.Record) int { return len(rec.Format) + len(rec.Data) }

// What somebody has damaged is not taken for a record, and is left as it is.
func TestDamagedMarkerIsUnreadable(t *testing.T) {
	for _, format := range []string{
		"holdfast-migrate/", "holdfast-migrate/other", "holdfast-migrate/moving", "holdfast-migrate/moving 1 2",
		"holdfast-migrate/moving 1 2 5", "holdfast-migrate/moving 1 2 -1", "holdfast-migrate/moving a b c",
		"holdfast-migrate/moving 99999999999999999999 2 0", "holdfast-migrate/held 1",
	} {
		t.Run(format, func(t *testing.T) {
			s := newPair()
			damaged := &provider.Record{ID: "id", Version: 7, Format: format, Data: []byte("data")}
			save(t, s.from, damaged, 0)
			p := s.open(t, move)
			_, err := p.Fetch(t.Context(), "id")
			for name, err := range map[string]error{
				"Fetch": err, "Save": p.Save(t.Context(), &provider.Record{ID: "id", Version: 8}, 0),
				"Delete": p.Delete(t.Context(), "id"), "MoveAll": moveAll(p),
			} {
				if !errors.Is(err, provider.ErrUnreadable) || strings.Contains(err.Error(), "moving") {
					t.Errorf("%s: got error %v, want ErrUnreadable", name, err)
				}
			}
			if report, err := p.MoveAll(t.Context(), migrate.MoveOptions{}); report.Unreadable != 1 || !errors.Is(err, migrate.ErrLeft) {
				t.Errorf("MoveAll: got %+v and error %v, want 1 unreadable", report, err)
			}
			if st, err := p.Status(t.Context()); st.Left != 1 || err != nil {
				t.Errorf("Status: got %+v and error %v, want 1 left", st, err)
			}
			holds(t, s.from, damaged)
		})
	}
}

// FuzzMarker has a store return any record. A reader gets an error or a valid record.
func FuzzMarker(f *testing.F) {
	f.Add("holdfast-migrate/moving 1 2 3", []byte("data"))
	f.Add("holdfast-migrate/held -1 0 0", []byte("data"))
	f.Add("holdfast-migrate/moved", []byte(nil))
	f.Add("holdfast-migrate/reserved", []byte(nil))
	f.Add("cbor", []byte("data"))
	f.Fuzz(func(t *testing.T, format string, data []byte) {
		rec := &provider.Record{ID: "id", Version: 7, Format: format, Data: data}
		if rec.Validate(0) != nil {
			t.Skip()
		}
		from := memory.New()
		save(t, from, rec, 0)
		got, err := open(t, from, memory.New(), move).Fetch(t.Context(), "id")
		if (got == nil) == (err == nil) {
			t.Fatalf("got %v and error %v, want one of both", got, err)
		}
		if got != nil && (got.ID != "id" || migrate.IsReserved(got.Format) && !migrate.IsReserved(format)) {
			t.Errorf("got %+v", got)
		}
	})
}
