package session

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// wantSameBytes wants encodeBasic to encode value as the CBOR library does, and
// decodeBasic to return it.
func wantSameBytes[T any](t *testing.T, value T) {
	t.Helper()
	v, ok := encodeBasic(&value)
	want, err := cborEncoding.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if !ok || !bytes.Equal(v.Bytes(), want) {
		t.Errorf("%T %v: got %x, want %x", value, value, v.Bytes(), want)
	}
	for _, stored := range []txn.Value{v, {Data: want, Present: true}} {
		if back, ok := decodeBasic[T](stored); !ok || !reflect.DeepEqual(back, value) {
			t.Errorf("%x: got %T %v, want %v", want, back, back, value)
		}
	}
}

func TestBasicValuesAreEncodedAsByTheLibrary(t *testing.T) {
	for shift := range 64 {
		for _, n := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1} {
			wantSameBytes(t, n)
			wantSameBytes(t, int64(n))
			wantSameBytes(t, -int64(n))
			wantSameBytes(t, int(n))
		}
	}
	wantSameBytes(t, int64(math.MinInt64))
	wantSameBytes(t, int64(math.MaxInt64))
	wantSameBytes(t, uint64(math.MaxUint64))
	wantSameBytes(t, false)
	wantSameBytes(t, true)
	for _, n := range []int{0, 1, 23, 24, 255, 256, 65535, 65536} {
		text := bytes.Repeat([]byte{'a'}, n)
		wantSameBytes(t, text)
		wantSameBytes(t, string(text))
	}
	wantSameBytes(t, "not UTF-8: \xff")
}

// wantSameValue wants the CBOR library to return the value that decodeBasic does.
func wantSameValue[T any](t *testing.T, data []byte) {
	got, ok := decodeBasic[T](txn.Value{Data: data, Present: true})
	if !ok {
		return
	}
	var want T
	if err := cborDecoding.Unmarshal(data, &want); err != nil {
		t.Errorf("%T from %x: got %v, want error %v", got, data, got, err)
	} else if !reflect.DeepEqual(got, want) {
		t.Errorf("%T from %x: got %v, want %v", got, data, got, want)
	}
}

func FuzzBasicValuesAreDecodedAsByTheLibrary(f *testing.F) {
	for _, seed := range []any{0, 23, 24, -1, -25, 1 << 20, int64(math.MinInt64), uint64(math.MaxUint64), true, false, nil, "", "text", []byte("bytes"), 1.5} {
		data, err := cborEncoding.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(append(data, 0))
		f.Add(data[:len(data)-1])
	}
	f.Add([]byte{0x18, 0x01}) // not the shortest form
	f.Add([]byte{0x5f, 0xff}) // of indefinite length
	f.Add([]byte{0xd9, 1, 6, 0x41, '1'})
	f.Fuzz(func(t *testing.T, data []byte) {
		wantSameValue[string](t, data)
		wantSameValue[[]byte](t, data)
		wantSameValue[bool](t, data)
		wantSameValue[int](t, data)
		wantSameValue[int64](t, data)
		wantSameValue[uint64](t, data)
	})
}

// A decoded value of its own type may be changed by the program.
func TestDecodedBytesAreACopy(t *testing.T) {
	data := []byte{0x42, 1, 2}
	got, ok := decodeBasic[[]byte](txn.Value{Data: data, Present: true})
	if !ok {
		t.Fatal("not decoded")
	}
	got[0] = 9
	if data[1] != 1 {
		t.Error("the stored bytes have changed")
	}
}

// A text takes no memory of its own if the record's is Lasting, and else does.
func TestTextOfLastingData(t *testing.T) {
	for _, lasting := range []bool{true, false} {
		data := append(cborHead(cborText, 3, 3), "abc"...)
		text, ok := decodeText(txn.Value{Data: data, Present: true, Lasting: lasting})
		if !ok || text != "abc" || (unsafe.StringData(text) == &data[1]) != lasting {
			t.Errorf("lasting: %t: got %q, %t", lasting, text, ok)
		}
	}
	if text, ok := decodeText(txn.Value{Data: cborHead(cborText, 0, 0), Present: true, Lasting: true}); !ok || text != "" {
		t.Errorf("an empty text: got %q, %t", text, ok)
	}
}
