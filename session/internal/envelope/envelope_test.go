package envelope_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/envelope"
)

var begin = time.UnixMilli(1_795_000_000_123)

// A sample is an envelope that is still to be encoded.
type sample struct {
	envelope.Envelope
	after   []int64 // the versions it follows, the oldest first
	entries []envelope.Edit
}

func (s sample) encode() (envelope.Envelope, []byte) {
	var history envelope.History
	version := int64(0)
	for _, v := range s.after {
		history, version = push(history, version), v
	}
	data := s.Encode(version, history, new(envelope.Entries), slices.Clone(s.entries))
	return s.Envelope, envelope.Bind(data, id)
}

// id is the ID of the record that samples are the content of.
const id = "0123456789-an-ID"

// push returns the history of a record that follows version, which has history h.
func push(h envelope.History, version int64) envelope.History {
	e := envelope.Envelope{Created: begin, Started: begin}
	e.Encode(version, h, new(envelope.Entries), nil)
	return e.History
}

func live(keys ...string) sample {
	s := sample{
		Envelope: envelope.Envelope{Created: begin, Started: begin.Add(time.Hour), Deadline: begin.Add(48 * time.Hour)},
		after:    []int64{1<<32 | 7, 2<<32 | 9},
	}
	for i, key := range keys {
		s.entries = append(s.entries, envelope.Edit{Name: key, Value: bytes.Repeat([]byte{byte(i)}, i)})
	}
	return s
}

func samples() map[string]sample {
	bare := envelope.Envelope{Created: begin, Started: begin}
	with := func(change func(*sample)) sample {
		s := sample{Envelope: bare}
		change(&s)
		return s
	}
	return map[string]sample{
		"no entries, no history, no deadline": {Envelope: bare},
		"entries":                             live("c", "a", "b"),
		"a binary name":                       live("\x00", "\xff"),
		"leases and entries":                  leased(live("a", "b"), "token", "other"),
		"leases and no entries":               leased(live(), "token"),
		"a binding that is pending":           bound(live("a"), envelope.Binding{Pending: true, Until: begin}),
		"a binding and leases":                bound(leased(live("a"), "token"), aBinding),
		"a session of somebody's":             with(func(s *sample) { s.Seen, s.Owner = begin.Add(time.Minute), "ann" }),
		"an owner with a long name":           with(func(s *sample) { s.Owner = strings.Repeat("ann", 1000) }),
		"a tombstone of a destroyed session":  with(func(s *sample) { s.Tombstone, s.after = true, []int64{1<<32 | 7} }),
		"a tombstone of a renewed session":    with(func(s *sample) { s.Tombstone, s.Successor = true, "next" }),
		"a tombstone of a revoked session":    with(func(s *sample) { s.Tombstone, s.Outside = true, true }),
		"a claimed tombstone":                 with(func(s *sample) { s.Tombstone, s.Outside, s.Claim = true, true, "claim" }),
		"a tombstone claimed by a login": with(func(s *sample) {
			s.Tombstone, s.Successor, s.Claim, s.Login = true, "next", "claim", true
		}),
		"long values": with(func(s *sample) {
			for i, size := range []int{0, 127, 128, 16_383, 16_384, 70_000} {
				s.entries = append(s.entries, envelope.Edit{Name: fmt.Sprint("k", i), Value: make([]byte, size)})
			}
		}),
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	for name, s := range samples() {
		t.Run(name, func(t *testing.T) {
			want, data := s.encode()
			got, err := envelope.Decode(id, data)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.History) == 0 && len(want.History) == 0 { // nil or empty
				got.History = want.History
			}
			if got.Entries.Len() == 0 && want.Entries.Len() == 0 {
				got.Entries = want.Entries
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if got.Entries.Len() != len(s.entries) {
				t.Errorf("%d entries", got.Entries.Len())
			}
			for _, edit := range s.entries {
				if value, ok := got.Entries.Find(edit.Name); !ok || !bytes.Equal(value, edit.Value) {
					t.Errorf("%q: %v, %v", edit.Name, value, ok)
				}
			}
		})
	}
}

// A store keeps the bytes, and counts them.
func TestEncodeLeavesNoRoom(t *testing.T) {
	for name, s := range samples() {
		if _, data := s.encode(); !s.Tombstone && cap(data) != len(data) {
			t.Errorf("%s: %d bytes with room for %d", name, len(data), cap(data))
		}
	}
}

func TestEveryCutIsMalformed(t *testing.T) {
	for name, s := range samples() {
		_, data := s.encode()
		for n := range min(len(data), 300) {
			if _, err := envelope.Decode(id, data[:n]); !errors.Is(err, envelope.ErrMalformed) {
				t.Fatalf("%s, cut to %d of %d bytes: %v", name, n, len(data), err)
			}
		}
	}
}

func TestMalformed(t *testing.T) {
	_, bare := sample{Envelope: envelope.Envelope{Created: begin, Started: begin}}.encode()
	header := func(kind byte, rest string) string {
		return "\x01" + string(kind) + "\x01\x01\x01\x00\x00" + "\x00" + rest
	}
	tombstone := func(rest string) string {
		return "\x02\x01" + id[len(id)-8:] + "\x01\x01\x01\x00\x00" + rest
	}
	cases := map[string]string{
		"a later layout":                   "\x03" + header(0, "\x00")[1:],
		"no layout":                        "\x00" + header(0, "\x00")[1:],
		"unknown flags":                    tombstone("\x04\x00\x00"),
		"a login that has claimed nothing": tombstone("\x02\x00\x00"),
		"a claim longer than the rest":     tombstone("\x00\x00\x02x"),
		"another kind":                     header(2, "\x00"),
		"another kind, nothing behind it":  "\x01\x02\x01\x01\x01\x00\x00",
		"bytes after the end":              string(bare) + "\x00",
		"entries out of order":             header(0, "\x02\x01b\x00\x01a\x00"),
		"an entry twice":                   header(0, "\x02\x01a\x00\x01a\x00"),
		"more entries than there is space": header(0, "\xff\xff\xff\xff\x0f"),
		"fewer entries than it has":        header(0, string(binary.AppendUvarint(nil, 2047))+entriesOf(2048)),
		"one entry more than it has":       header(0, string(binary.AppendUvarint(nil, 2049))+entriesOf(2048)),
		"an entry without a value":         header(0, "\x02\x01a\x01v\x01b"),
		"a length in a longer spelling":    header(0, "\x01\x81\x00a\x00"),
		"a length of three bytes":          header(0, "\x01\x01a\x81\x80\x00v"),
		"a long value beyond the end":      header(0, "\x01\x01a\x80\x80\x01v"),
		"a length of all memory":           header(0, "\x01\x01a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
		"a value longer than the rest":     header(0, "\x01\x01a\x7f"),
		"a number in a longer spelling":    header(0, "\x80\x00"),
		"a number over 64 bits":            header(0, strings.Repeat("\xff", 10)+"\x7f"),
		"an owner longer than the rest":    "\x01\x00\x01\x01\x01\x00\x00" + "\x7f\x00",
		"a time beyond all times":          "\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x01\x00\x00\x00\x00",
		"a history over the limit":         "\x01\x00\x01\x01\x01\x00\x41" + strings.Repeat("x", 4*65) + "\x00\x00",
	}
	for _, good := range []string{"\x00", string(binary.AppendUvarint(nil, 2048)) + entriesOf(2048)} {
		if _, err := envelope.Decode(id, []byte(header(0, good))); err != nil {
			t.Fatalf("the cases differ from a good record in more than their point: %v", err)
		}
	}
	if _, err := envelope.Decode(id, []byte(tombstone("\x03\x00\x01x"))); err != nil {
		t.Fatalf("the cases of tombstones differ from a good one in more than their point: %v", err)
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			if e, err := envelope.Decode(id, []byte(data)); !errors.Is(err, envelope.ErrMalformed) {
				t.Errorf("got %+v, %v", e, err)
			}
		})
	}
}

// Records of the first layout are in stores already.
func TestTheFirstLayoutIsRead(t *testing.T) {
	const head = "\x01\x01\x02\x00"
	for data, want := range map[string]envelope.Envelope{
		"\x01\x00" + head + "\x00\x03ann\x01\x01a\x01v": {Owner: "ann"},
		"\x01\x01" + head + "\x00\x04next":              {Tombstone: true, Successor: "next"},
	} {
		got, err := envelope.Decode("any ID", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		if got.Owner != want.Owner || got.Tombstone != want.Tombstone || got.Successor != want.Successor || got.Seen.UnixMilli() != 2 {
			t.Errorf("got %+v", got)
		}
		if value, ok := got.Entries.Find("a"); ok == want.Tombstone || !want.Tombstone && string(value) != "v" {
			t.Errorf("its entry is %q, %v", value, ok)
		}
	}
}

// A client library that mixes up the replies of a connection must not hand out the
// session of another visitor.
func TestTheContentOfAnotherRecordIsNotRead(t *testing.T) {
	for name, s := range samples() {
		_, data := s.encode()
		for _, other := range []string{"", "0123456789-an-ix", id + "x", id[1:] + id[:1]} {
			if _, err := envelope.Decode(other, data); !errors.Is(err, envelope.ErrOtherRecord) {
				t.Errorf("%s, as %q: %v", name, other, err)
			}
		}
	}
}

// A save of unknown outcome may still read what it was given, while the same content
// is saved under another ID.
func TestBindLeavesAnotherRecordsBytesAlone(t *testing.T) {
	e := envelope.Envelope{Created: begin}
	first := envelope.Bind(e.Encode(0, nil, new(envelope.Entries), nil), id)
	before := bytes.Clone(first)
	if again := envelope.Bind(first, id); &again[0] != &first[0] {
		t.Error("the record's own bytes were copied")
	}
	second := envelope.Bind(first, "another ID")
	if !bytes.Equal(first, before) {
		t.Errorf("%x was %x", first, before)
	}
	if _, err := envelope.Decode("another ID", second); err != nil {
		t.Error(err)
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
		history = push(history, version)
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

func TestEncodeLeavesWhatItFollowsAlone(t *testing.T) {
	first, data := live("a", "b").encode()
	before := bytes.Clone(data)
	for _, edit := range []envelope.Edit{{Name: "b", Value: []byte("B")}, {Name: "c", Value: []byte("c")}, {Name: "a", Remove: true}} {
		next := envelope.Envelope{Created: begin}
		next.Encode(3<<32|1, first.History, &first.Entries, []envelope.Edit{edit})
		_ = append(next.History, 0xff)
		_ = append(first.History, 0xff)
	}
	if !bytes.Equal(data, before) {
		t.Errorf("%x was %x", data, before)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range samples() {
		_, data := s.encode()
		f.Add(data[:min(len(data), 2000)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := envelope.Decode(id, data)
		if err != nil {
			return
		}
		if again := encodeAgain(e); data[0] == 2 && !bytes.Equal(again, data) {
			t.Errorf("one state, two encodings:\n%x\n%x", data, again)
		}
		for name, value := range e.Entries.All() {
			if found, ok := e.Entries.Find(string(name)); !ok || !bytes.Equal(found, value) {
				t.Errorf("entry %q is not found", name)
			}
		}
	})
}

// encodeAgain encodes what was decoded. The newest commit of the history is the version
// that the record followed.
func encodeAgain(e envelope.Envelope) []byte {
	var version int64
	history := e.History
	if len(history) > 0 {
		version = 1<<32 | int64(binary.BigEndian.Uint32(history))
		history = history[4:]
	}
	kept := e.Entries
	return envelope.Bind(e.Encode(version, history, &kept, nil), id)
}
