package memory_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// record returns a new record with so many bytes of Data.
func record(size int) *provider.Record {
	return &provider.Record{ID: rand.Text(), Version: 1, Format: "test", Data: make([]byte, size)}
}

// expiring returns a record that expires after a while.
func expiring(size int, after time.Duration) *provider.Record {
	rec := record(size)
	rec.ExpiresAt = time.Now().Add(after)
	return rec
}

// fill saves n records of one kind and returns the last.
func fill(t *testing.T, p *memory.Provider, n int, kind func() *provider.Record) (last *provider.Record) {
	t.Helper()
	for range n {
		last = kind()
		if err := p.Save(provider.WithReserve(context.Background()), last, 0); err != nil {
			t.Fatal(err)
		}
	}
	audit(t, p)
	return last
}

// save wants a Save to end with an error that wraps want, or none.
func save(t *testing.T, p *memory.Provider, rec *provider.Record, expectVersion int64, want error) {
	t.Helper()
	if err := p.Save(provider.WithReserve(context.Background()), rec, expectVersion); !errors.Is(err, want) {
		t.Fatalf("Save of %d bytes, expecting version %d: got error %v, want %v", len(rec.Data), expectVersion, err, want)
	}
	audit(t, p)
}

func remove(t *testing.T, p *memory.Provider, id string) {
	t.Helper()
	if err := p.Delete(provider.WithReserve(context.Background()), id); err != nil {
		t.Fatal(err)
	}
	audit(t, p)
}

// holds wants a record of so many bytes of Data to be there.
func holds(t *testing.T, p *memory.Provider, id string, size int) {
	t.Helper()
	rec, err := p.Fetch(provider.WithReserve(context.Background()), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Data) != size {
		t.Errorf("Fetch: got %d bytes, want %d", len(rec.Data), size)
	}
}

func audit(t *testing.T, p *memory.Provider) {
	t.Helper()
	if err := p.Audit(); err != nil {
		t.Fatal(err)
	}
}

// cost returns what rec counts against MaxBytes.
func cost(t *testing.T, rec *provider.Record) int64 {
	t.Helper()
	p := memory.New()
	save(t, p, rec, 0, nil)
	return p.Bytes()
}
