package backup_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/cmd/holdfast/internal/backup"
	"github.com/holdfast-go/holdfast/provider"
)

var (
	created = time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	key     = bytes.Repeat([]byte("k"), 32)
	other   = bytes.Repeat([]byte("o"), 32)
	records = []*provider.Record{
		{ID: "a", Version: 1, Format: "f", Data: []byte("first")},
		{ID: strings.Repeat("ä", 127), Version: 1<<63 - 1, ExpiresAt: created.Add(time.Hour), Format: strings.Repeat("f", 255), Data: []byte{0, 1, 255}},
		{ID: "empty", Version: 1 << 40},
		{ID: "large", Version: 7, ExpiresAt: provider.FromMillis(1), Data: bytes.Repeat([]byte("x"), 1<<20)},
		{ID: "unversioned", Version: -5},
	}
)

func write(tb testing.TB, keys [][]byte, recs ...*provider.Record) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := backup.NewWriter(&b, created, keys)
	if err != nil {
		tb.Fatal(err)
	}
	for _, rec := range recs {
		if err := w.Add(rec); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || w.Records() != int64(len(recs)) {
		tb.Fatal(err, w.Records())
	}
	return b.Bytes()
}

// read returns the records until the error, which is io.EOF for a whole backup.
func read(r io.Reader, keys ...[]byte) (recs []*provider.Record, err error) {
	in, err := backup.NewReader(r, keys)
	for err == nil {
		var rec *provider.Record
		if rec, err = in.Next(); err == nil {
			recs = append(recs, rec)
		}
	}
	return recs, err
}

func isSame(a, b *provider.Record) bool {
	return a.ID == b.ID && a.Version == b.Version && a.ExpiresAt.Equal(b.ExpiresAt) && a.Format == b.Format && bytes.Equal(a.Data, b.Data)
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for name, keys := range map[string][][]byte{"plain": nil, "sealed": {key}, "sealed with two keys": {key, other}} {
		for _, recs := range [][]*provider.Record{nil, records[:1], records[:4]} {
			got, err := read(bytes.NewReader(write(t, keys, recs...)), other, key)
			if !errors.Is(err, io.EOF) || !slices.EqualFunc(got, recs, isSame) {
				t.Errorf("%s, %d records: got %d and error %v", name, len(recs), len(got), err)
			}
		}
	}
	if got, err := read(bytes.NewReader(write(t, nil, records...))); !errors.Is(err, io.EOF) || !slices.EqualFunc(got, records, isSame) {
		t.Errorf("got %d and error %v", len(got), err)
	}
}

func TestHeader(t *testing.T) {
	for _, keys := range [][][]byte{nil, {key}} {
		r, err := backup.NewReader(bytes.NewReader(write(t, keys)), keys)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.Header(), (backup.Header{Version: 1, Created: created, Sealed: keys != nil}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestSealedBackupShowsNothing(t *testing.T) {
	b := write(t, [][]byte{key}, &provider.Record{ID: "a", Version: 1, Format: "FORMAT", Data: []byte("DATA")})
	if bytes.Contains(b, []byte("FORMAT")) || bytes.Contains(b, []byte("DATA")) {
		t.Error("it is readable")
	}
}

// Wherever a backup ends too early, it is not whole.
func TestCutOff(t *testing.T) {
	for _, keys := range [][][]byte{nil, {key}} {
		whole := write(t, keys, records[:3]...)
		for n := range len(whole) {
			got, err := read(bytes.NewReader(whole[:n]), keys...)
			want := backup.ErrCutOff
			if n == 0 {
				want = backup.ErrForeign
			}
			if !errors.Is(err, want) || len(got) > 3 {
				t.Fatalf("after %d bytes: %v, want %v", n, err, want)
			}
		}
	}
}

// Whatever bit of a backup is changed, it is not read to its end.
func TestDamaged(t *testing.T) {
	for _, keys := range [][][]byte{nil, {key}} {
		whole := write(t, keys, records[:3]...)
		for at := range whole {
			for bit := range 8 {
				if keys != nil && bit != at%8 {
					continue // opening takes its time
				}
				b := bytes.Clone(whole)
				b[at] ^= 1 << bit
				_, err := read(bytes.NewReader(b), keys...)
				if !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrCutOff) && !errors.Is(err, backup.ErrForeign) {
					t.Fatalf("byte %d, bit %d: %v", at, bit, err)
				}
			}
		}
	}
}

// frames returns the frames of a backup, the first with what precedes it.
func frames(b []byte) (parts [][]byte) {
	for n := 8; len(b) > 0; n = 0 {
		n += 4 + 1 + int(uint32(b[n])<<24|uint32(b[n+1])<<16|uint32(b[n+2])<<8|uint32(b[n+3])) + 4
		parts = append(parts, b[:n])
		b = b[n:]
	}
	return parts
}

// Whole frames that are left out, repeated, exchanged, added or from another backup are
// found by the sum at the end.
func TestFramesThatAreMoved(t *testing.T) {
	for _, keys := range [][][]byte{nil, {key}} {
		f := frames(write(t, keys, records[:3]...)) // header, 3 records, end
		foreign := frames(write(t, keys, records[0], records[2], records[2]))
		for name, parts := range map[string][][]byte{
			"left out":         {f[0], f[1], f[3], f[4]},
			"repeated":         {f[0], f[1], f[1], f[2], f[3], f[4]},
			"exchanged":        {f[0], f[2], f[1], f[3], f[4]},
			"replaced":         {f[0], foreign[2], f[2], f[3], f[4]},
			"of another end":   {f[0], f[1], f[2], f[3], foreign[4]},
			"after the end":    {f[0], f[1], f[2], f[3], f[4], f[4]},
			"a second header":  {f[0], f[0][8:], f[1], f[2], f[3], f[4]},
			"without a header": {f[0][:8], f[1], f[2], f[3], f[4]},
		} {
			if _, err := read(bytes.NewReader(slices.Concat(parts...)), keys...); !errors.Is(err, backup.ErrDamaged) {
				t.Errorf("%s: %v, want %v", name, err, backup.ErrDamaged)
			}
		}
	}
}

// Without a key nobody can write a sealed backup.
func TestForged(t *testing.T) {
	honest, forged := frames(write(t, [][]byte{key}, records[0])), frames(write(t, [][]byte{other}, records[0]))
	plain := frames(write(t, nil, records[0]))
	for name, parts := range map[string][][]byte{
		"another key":             forged,
		"another key for the end": {honest[0], honest[1], forged[2]},
		"a record without a seal": {honest[0], plain[1], honest[2]},
		"an end without a seal":   {honest[0], honest[1], plain[2]},
		"a header of a sealed":    {honest[0], plain[1], plain[2]},
	} {
		if _, err := read(bytes.NewReader(slices.Concat(parts...)), key); !errors.Is(err, backup.ErrKeys) {
			t.Errorf("%s: %v, want %v", name, err, backup.ErrKeys)
		}
	}
}

func TestNotReadable(t *testing.T) {
	sealed := write(t, [][]byte{key}, records[0])
	for name, tc := range map[string]struct {
		b    []byte
		keys [][]byte
		want error
	}{
		"nothing":             {nil, nil, backup.ErrForeign},
		"a text":              {[]byte("hello"), nil, backup.ErrForeign},
		"a text like it":      {[]byte("\x89HFB\nhello"), nil, backup.ErrForeign},
		"a later version":     {bytes.Replace(write(t, nil), []byte(`"version":1`), []byte(`"version":2`), 1), nil, backup.ErrDamaged},
		"sealed, no keys":     {sealed, nil, backup.ErrNoKeys},
		"sealed, another key": {sealed, [][]byte{other}, backup.ErrKeys},
	} {
		if _, err := read(bytes.NewReader(tc.b), tc.keys...); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
}

func TestLaterVersion(t *testing.T) {
	var b bytes.Buffer
	if err := backup.WriteHeader(&b, backup.Header{Version: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := read(&b); !errors.Is(err, backup.ErrLater) {
		t.Errorf("got %v, want %v", err, backup.ErrLater)
	}
}

// A length that is wrong does not take the memory that it claims.
func TestClaimedLengthTakesNoMemory(t *testing.T) {
	b := append([]byte("\x89HFB\r\n\x1a\n"), 0x3f, 0xff, 0xff, 0xff, 'H')
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := read(bytes.NewReader(b))
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, backup.ErrCutOff) || taken > 10<<20 {
		t.Errorf("%v, after %d bytes of memory", err, taken)
	}
}

// full takes so many bytes, and no more.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.left)
	if f.left -= n; n < len(b) {
		return n, errFull
	}
	return n, nil
}

// Wherever the disk is full, it is reported at the latest by Close.
func TestFull(t *testing.T) {
	whole := len(write(t, nil, records[:4]...))
	for _, room := range []int{0, 1, 8, 100, whole / 2, whole - 1, whole} {
		w, err := backup.NewWriter(&full{room}, created, nil)
		for _, rec := range records[:4] {
			if err == nil {
				err = w.Add(rec)
			}
		}
		if err == nil {
			err = w.Close()
		}
		if errors.Is(err, errFull) != (room < whole) {
			t.Errorf("with room for %d of %d bytes: %v", room, whole, err)
		}
	}
}

func TestErrorsOfTheDisk(t *testing.T) {
	broken := errors.New("broken")
	whole := write(t, nil, records[:3]...)
	for n := range len(whole) + 1 {
		r := io.MultiReader(bytes.NewReader(whole[:n]), failing{broken})
		if _, err := read(r); !errors.Is(err, broken) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzReader(f *testing.F) {
	f.Add(write(f, nil, records[:3]...))
	f.Add(write(f, [][]byte{key}, records[:3]...))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = read(bytes.NewReader(b), key)
	})
}

// FuzzRecord: what is decoded is a record that can be encoded.
func FuzzRecord(f *testing.F) {
	for _, rec := range records[:3] {
		f.Add(backup.Encode(rec))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := backup.Decode(b)
		if err != nil {
			return
		}
		again, err := backup.Decode(backup.Encode(rec))
		if err != nil || !isSame(rec, again) {
			t.Errorf("%+v became %+v, %v", rec, again, err)
		}
	})
}
