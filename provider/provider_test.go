package provider_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

func TestValidateID(t *testing.T) {
	for name, tc := range map[string]struct {
		id    string
		valid bool
	}{
		"one byte":              {"x", true},
		"255 bytes":             {strings.Repeat("x", 255), true},
		"blanks and slashes":    {" a/../b \t\n", true},
		"UTF-8":                 {"日本語 🍪", true},
		"replacement character": {"\uFFFD", true},
		"empty":                 {"", false},
		"256 bytes":             {strings.Repeat("x", 256), false},
		"128 runes, 256 bytes":  {strings.Repeat("é", 128), false},
		"NUL":                   {"a\x00b", false},
		"not UTF-8":             {"\xff", false},
		"cut rune":              {"日本"[:5], false},
		"surrogate":             {"\xed\xa0\x80", false},
	} {
		t.Run(name, func(t *testing.T) { wantValid(t, provider.ValidateID(tc.id), tc.valid) })
	}
}

func TestRecordValidate(t *testing.T) {
	record := func(change func(*provider.Record)) *provider.Record {
		rec := &provider.Record{ID: "id", Version: 1}
		change(rec)
		return rec
	}
	expiring := func(at time.Time) *provider.Record {
		return record(func(rec *provider.Record) { rec.ExpiresAt = at })
	}
	versioned := func(version int64) *provider.Record {
		return record(func(rec *provider.Record) { rec.Version = version })
	}
	formatted := func(format string) *provider.Record {
		return record(func(rec *provider.Record) { rec.Format = format })
	}
	east := time.FixedZone("east", 14*60*60)
	for name, tc := range map[string]struct {
		rec    *provider.Record
		expect int64
		valid  bool
	}{
		"create":                             {versioned(1), 0, true},
		"update":                             {versioned(math.MaxInt64), 1, true},
		"unchecked":                          {versioned(1), -1, true},
		"unchecked, version 0":               {versioned(0), -1, true},
		"unchecked, version below 0":         {versioned(math.MinInt64), math.MinInt64, true},
		"create, version 0":                  {versioned(0), 0, false},
		"update, version 0":                  {versioned(0), 1, false},
		"update, version below 0":            {versioned(-1), 1, false},
		"nil":                                {nil, 0, false},
		"no ID":                              {record(func(rec *provider.Record) { rec.ID = "" }), 0, false},
		"Format of 255 bytes":                {formatted(strings.Repeat("x", 255)), 0, true},
		"Format of 256 bytes":                {formatted(strings.Repeat("x", 256)), 0, false},
		"Format with NUL":                    {formatted("\x00"), 0, false},
		"Format not UTF-8":                   {formatted("\x80"), 0, false},
		"already expired":                    {expiring(time.Unix(0, 0)), 0, true},
		"first instant after the zero time":  {expiring(time.Time{}.Add(1)), 0, true},
		"end of year 9999":                   {expiring(time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)), 0, true},
		"year 10000 where the clock is east": {expiring(time.Date(10000, 1, 1, 13, 59, 59, 0, east)), 0, true},
		"year 10000":                         {expiring(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), 0, false},
		"year 0":                             {expiring(time.Time{}.Add(-1)), 0, false},
		"overflow of time.Time":              {expiring(time.Unix(math.MaxInt64, 0)), 0, false},
	} {
		t.Run(name, func(t *testing.T) { wantValid(t, tc.rec.Validate(tc.expect), tc.valid) })
	}
}

func wantValid(t *testing.T, err error, valid bool) {
	t.Helper()
	if valid && err != nil {
		t.Errorf("got %v, want none", err)
	}
	if !valid && !errors.Is(err, provider.ErrInvalidRecord) {
		t.Errorf("got %v, want ErrInvalidRecord", err)
	}
}

func TestInvalidRecordErrorsQuoteNothing(t *testing.T) {
	const secret = "secret"
	long := strings.Repeat(secret, 50)
	for name, rec := range map[string]*provider.Record{
		"ID":     {ID: secret + "\x00", Version: 1},
		"Format": {ID: secret, Version: 1, Format: secret + "\xff"},
		"long":   {ID: long, Version: 1},
	} {
		t.Run(name, func(t *testing.T) {
			err := rec.Validate(0)
			if err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v, want an error without %q", err, secret)
			}
		})
	}
}

func TestMillis(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 678_999_999, time.FixedZone("west", -9*60*60))
	for name, tc := range map[string]struct {
		in, out time.Time
	}{
		"never":                  {time.Time{}, time.Time{}},
		"rounded down":           {at, at.Truncate(time.Millisecond)},
		"last one":               {time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)},
		"epoch is not never":     {time.Unix(0, 0), time.UnixMilli(1)},
		"long ago":               {time.Date(1066, 10, 14, 0, 0, 0, 0, time.UTC), time.UnixMilli(1)},
		"long ago, almost never": {time.Time{}.Add(1), time.UnixMilli(1)},
	} {
		t.Run(name, func(t *testing.T) {
			got := provider.FromMillis(provider.Millis(tc.in))
			if !got.Equal(tc.out) || got.IsZero() != tc.in.IsZero() {
				t.Errorf("got %v, want %v", got, tc.out)
			}
			if got.Location() != time.UTC {
				t.Errorf("got a time in %v, want UTC", got.Location())
			}
		})
	}
}

func TestExpired(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 678_500_000, time.UTC)
	for name, tc := range map[string]struct {
		expiresAt, now time.Time
		want           bool
	}{
		"never":                     {time.Time{}, at, false},
		"a millisecond before":      {at, at.Add(-time.Millisecond), false},
		"in the millisecond itself": {at, at.Add(-400 * time.Microsecond), true},
		"at the instant":            {at, at, true},
		"after":                     {at, at.Add(time.Hour), true},
		"before 1970":               {time.Unix(-1, 0), at, true},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &provider.Record{ExpiresAt: tc.expiresAt}
			if got := rec.Expired(tc.now); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestCloneSharesNothing(t *testing.T) {
	rec := &provider.Record{ID: "id", Version: 7, ExpiresAt: time.Unix(1, 0), Format: "f", Data: []byte("data")}
	clone := rec.Clone()
	rec.ID, rec.Data[0] = "other", 'D'
	if clone.ID != "id" || clone.Version != 7 || !clone.ExpiresAt.Equal(time.Unix(1, 0)) || clone.Format != "f" || string(clone.Data) != "data" {
		t.Errorf("clone is %+v", clone)
	}
}

func TestConflictErrorIsErrVersionConflict(t *testing.T) {
	var err error = &provider.ConflictError{Current: &provider.Record{ID: "secret"}}
	if !errors.Is(err, provider.ErrVersionConflict) {
		t.Error("errors.Is(err, ErrVersionConflict) is false")
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the message %q tells the ID", err)
	}
}
