package envelope_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

var begin = time.UnixMilli(1_795_000_000_123)

func live(keys ...string) envelope.Envelope {
	e := envelope.Envelope{Created: begin, Started: begin.Add(time.Hour), Deadline: begin.Add(48 * time.Hour)}
	e.History = e.History.Push(1<<32 | 7).Push(2<<32 | 9)
	for i, key := range keys {
		e.Entries = append(e.Entries, envelope.Entry{Name: []byte(key), Value: bytes.Repeat([]byte{byte(i)}, i)})
	}
	return e
}

func samples() map[string]envelope.Envelope {
	bare := envelope.Envelope{Created: begin, Started: begin}
	return map[string]envelope.Envelope{
		"no entries, no history, no deadline": bare,
		"entries":                             live("a", "b", "c"),
		"an empty and a binary name":          live("", "\x00", "\xff"),
		"a session of somebody's":             {Created: begin, Started: begin, Seen: begin.Add(time.Minute), Owner: "ann"},
		"a tombstone of a destroyed session":  {Created: begin, Started: begin, Tombstone: true},
		"a tombstone of a renewed session":    {Created: begin, Started: begin, Tombstone: true, Successor: "next"},
		"a long value":                        {Created: begin, Started: begin, Entries: []envelope.Entry{{Name: []byte("k"), Value: make([]byte, 70_000)}}},
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	for name, want := range samples() {
		t.Run(name, func(t *testing.T) {
			got, err := envelope.Decode(want.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(normal(got), normal(want)) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// normal makes empty and nil slices alike.
func normal(e envelope.Envelope) envelope.Envelope {
	e.History = append(envelope.History{}, e.History...)
	entries := []envelope.Entry{}
	for _, entry := range e.Entries {
		entries = append(entries, envelope.Entry{Name: append([]byte{}, entry.Name...), Value: append([]byte{}, entry.Value...)})
	}
	e.Entries = entries
	return e
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	e := live("a")
	if got := e.Append([]byte("before")); !bytes.HasPrefix(got, []byte("before")) || len(got) != 6+len(e.Append(nil)) {
		t.Errorf("got %q", got)
	}
}

func TestEveryCutIsMalformed(t *testing.T) {
	for name, e := range samples() {
		data := e.Append(nil)
		for n := range min(len(data), 300) {
			if _, err := envelope.Decode(data[:n]); !errors.Is(err, envelope.ErrMalformed) {
				t.Fatalf("%s, cut to %d of %d bytes: %v", name, n, len(data), err)
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	bare := envelope.Envelope{Created: begin, Started: begin}
	header := func(kind byte, rest string) string {
		return "\x01" + string(kind) + "\x01\x01\x01\x00\x00" + "\x00" + rest
	}
	cases := map[string]string{
		"another layout":                   "\x02" + header(0, "\x00")[1:],
		"another kind":                     header(2, "\x00"),
		"another kind, nothing behind it":  "\x01\x02\x01\x01\x01\x00\x00",
		"bytes after the end":              string(bare.Append(nil)) + "\x00",
		"entries out of order":             header(0, "\x02\x01b\x00\x01a\x00"),
		"an entry twice":                   header(0, "\x02\x01a\x00\x01a\x00"),
		"more entries than there is space": header(0, "\xff\xff\xff\xff\x0f"),
		"more entries than a session has":  header(0, string(binary.AppendUvarint(nil, 2049))+entriesOf(2049)),
		"a value longer than the rest":     header(0, "\x01\x01a\x7f"),
		"a number in a longer spelling":    header(0, "\x80\x00"),
		"a number over 64 bits":            header(0, strings.Repeat("\xff", 10)+"\x7f"),
		"an owner longer than the rest":    "\x01\x00\x01\x01\x01\x00\x00" + "\x7f\x00",
		"a time beyond all times":          "\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x01\x00\x00\x00\x00",
		"a history over the limit":         "\x01\x00\x01\x01\x01\x00\x41" + strings.Repeat("x", 4*65) + "\x00\x00",
	}
	for _, good := range []string{"\x00", string(binary.AppendUvarint(nil, 2048)) + entriesOf(2048)} {
		if _, err := envelope.Decode([]byte(header(0, good))); err != nil {
			t.Fatalf("the cases differ from a good record in more than their point: %v", err)
		}
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			if e, err := envelope.Decode([]byte(data)); !errors.Is(err, envelope.ErrMalformed) {
				t.Errorf("got %+v, %v", e, err)
			}
		})
	}
}

// entriesOf returns n entries, without their number.
func entriesOf(n int) string {
	var b []byte
	for i := range n {
		b = append(b, 2, byte(i>>8), byte(i), 0)
	}
	return string(b)
}

func TestFind(t *testing.T) {
	keys := []string{"a", "b", "bb", "d"}
	e := live(keys...)
	for i, key := range keys {
		if value, ok := e.Find(key); !ok || len(value) != i {
			t.Errorf("%q: %v, %v", key, value, ok)
		}
	}
	for _, key := range []string{"", "aa", "c", "e"} {
		if value, ok := e.Find(key); ok {
			t.Errorf("%q: found %v", key, value)
		}
	}
}

func TestVersions(t *testing.T) {
	seen := map[int64]bool{}
	var v int64
	for i := range int64(1000) {
		next := envelope.NextVersion(v)
		if next <= v || next>>32 != i+1 || seen[next] || !envelope.ValidVersion(next) {
			t.Fatalf("%#x follows %#x", next, v)
		}
		seen[next] = true
		v = next
	}
	tags := map[uint32]bool{}
	for range 100 {
		tags[uint32(envelope.NextVersion(0))] = true
	}
	if len(tags) < 99 {
		t.Errorf("%d different of 100 first versions", len(tags))
	}
}

func TestTraceAgainstTheWholeChain(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var chain []int64
	var history envelope.History
	var version int64
	for range 200 {
		history = history.Push(version)
		version = envelope.NextVersion(version)
		chain = append(chain, version)

		at := rng.IntN(len(chain))
		back := len(chain) - 1 - at
		want := envelope.Ancestor
		if back > envelope.HistoryLimit {
			want = envelope.OutOfReach
		}
		if got := history.Trace(version, chain[at]); got != want {
			t.Fatalf("a commit %d versions back: %v, want %v", back, got, want)
		}
		if want == envelope.Ancestor {
			if got := history.Trace(version, chain[at]^1); got != envelope.NotAncestor {
				t.Fatalf("a commit that lost %d versions back: %v", back, got)
			}
		}
	}
	if got := history.Trace(version, envelope.NextVersion(version)); got != envelope.NotAncestor {
		t.Errorf("a commit to come: %v", got)
	}
}

func TestPushLeavesTheOldHistoryAlone(t *testing.T) {
	old := envelope.History{}.Push(1<<32 | 1)
	before := fmt.Sprint(old)
	_ = old.Push(2<<32 | 2)
	_ = append(old.Push(2<<32|3), 0xff)
	if fmt.Sprint(old) != before {
		t.Errorf("%v was %v", old, before)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range samples() {
		f.Add(e.Append(nil)[:min(len(e.Append(nil)), 2000)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := envelope.Decode(data)
		if err != nil {
			return
		}
		if again := e.Append(nil); !bytes.Equal(again, data) {
			t.Errorf("one state, two encodings:\n%x\n%x", data, again)
		}
		for _, entry := range e.Entries {
			if value, ok := e.Find(string(entry.Name)); !ok || !bytes.Equal(value, entry.Value) {
				t.Errorf("entry %q is not found", entry.Name)
			}
		}
	})
}
