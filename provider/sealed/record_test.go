package sealed_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

const overhead = 65 // as New documents it

func TestStoredRecord(t *testing.T) {
	p, inner := newStore(t)
	rec := newRecord()
	save(t, p, rec, 0)
	stored := fetch(t, inner, rec.ID)
	if stored.ID != rec.ID || stored.Version != rec.Version || !stored.ExpiresAt.Equal(rec.ExpiresAt) {
		t.Errorf("stored %+v of %+v: what the store works with is not the same", stored, rec)
	}
	if stored.Format != "holdfast-sealed" {
		t.Errorf("its Format is %q", stored.Format)
	}
	if got, want := len(stored.Format)+len(stored.Data), len(rec.Format)+len(rec.Data)+overhead; got != want {
		t.Errorf("it has %d bytes, want %d", got, want)
	}
	for _, secret := range [][]byte{rec.Data[5:], []byte(rec.Format[7:])} {
		if bytes.Contains(stored.Data, secret[:8]) {
			t.Errorf("%q can be read in %q", secret, stored.Data)
		}
	}
}

// Neither the same nor a different text may meet the same stream of bytes.
func TestEverySaveSealsAnew(t *testing.T) {
	p, inner := newStore(t)
	rec := newRecord()
	salts, nonces := map[string]bool{}, map[string]bool{}
	const n = 100
	for range n {
		save(t, p, rec, -1)
		data := fetch(t, inner, rec.ID).Data
		salts[string(data[9:21])] = true
		nonces[string(data[21:33])] = true
	}
	if len(salts) != n || len(nonces) != n {
		t.Errorf("%d saves took %d salts and %d nonces", n, len(salts), len(nonces))
	}
}

// What is sealed is longer: it may be over a limit that Data is not.
func TestOverheadCounts(t *testing.T) {
	plain := newRecord()
	plain.Data = make([]byte, 500)
	inner := memory.New()
	save(t, inner, plain, 0)
	limit := inner.Bytes()

	small := plain.Clone()
	small.Data = plain.Data[overhead:]
	inner = memory.New(memory.MaxBytes(limit))
	p := seal(t, inner, newKey())
	if err := p.Save(provider.WithReserve(context.Background()), small, 0); err != nil { // a visitor's would have to leave some room
		t.Fatal(err)
	}
	if inner.Bytes() != limit {
		t.Errorf("a record that should just fit takes %d of %d bytes", inner.Bytes(), limit)
	}
	large := successor(small)
	large.Data = plain.Data[overhead-1:]
	if err := p.Save(t.Context(), large, small.Version); !errors.Is(err, provider.ErrTooLarge) {
		t.Errorf("got error %v, want ErrTooLarge", err)
	}
	holds(t, p, small)
}

// Save may not use rec.Data as its buffer, nor may Fetch give away more than the
// record's own memory.
func TestMemoryIsApart(t *testing.T) {
	p, _ := newStore(t)
	rec := newRecord()
	rec.Data = append(make([]byte, 0, 1000), rand.Text()...)
	before := bytes.Clone(rec.Data[:cap(rec.Data)])
	save(t, p, rec, 0)
	if !bytes.Equal(rec.Data[:cap(rec.Data)], before) {
		t.Error("Save has changed Data, or what lies behind it")
	}
	got := fetch(t, p, rec.ID)
	_ = append(got.Data, "overwritten"...)
	clear(got.Data)
	holds(t, p, rec)
}
