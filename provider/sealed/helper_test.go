package sealed_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/sealed"
)

func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// seal returns a provider that seals what inner keeps, by the first of the keys.
func seal(tb testing.TB, inner provider.Provider, keys ...[]byte) *sealed.Provider {
	tb.Helper()
	p, err := sealed.New(inner, keys)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// newStore returns a provider, and the one that has its records.
func newStore(tb testing.TB) (*sealed.Provider, *memory.Provider) {
	tb.Helper()
	inner := memory.New()
	return seal(tb, inner, newKey()), inner
}

func newRecord() *provider.Record {
	return &provider.Record{
		ID:        "ID-" + rand.Text(),
		Version:   1 << 40,
		ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC(),
		Format:    "FORMAT-" + rand.Text(),
		Data:      []byte("DATA-" + rand.Text()),
	}
}

// successor returns a record to be saved in the place of rec.
func successor(rec *provider.Record) *provider.Record {
	next := rec.Clone()
	next.Version++
	next.Data = []byte("DATA-" + rand.Text())
	return next
}

func save(tb testing.TB, p provider.Provider, rec *provider.Record, expectVersion int64) {
	tb.Helper()
	if err := p.Save(context.Background(), rec, expectVersion); err != nil {
		tb.Fatalf("Save: %v", err)
	}
}

func fetch(tb testing.TB, p provider.Provider, id string) *provider.Record {
	tb.Helper()
	rec, err := p.Fetch(context.Background(), id)
	if err != nil {
		tb.Fatalf("Fetch: %v", err)
	}
	return rec
}

// holds wants the record to be there as it is.
func holds(tb testing.TB, p provider.Provider, want *provider.Record) {
	tb.Helper()
	if got := fetch(tb, p, want.ID); !same(got, want) {
		tb.Errorf("Fetch: got %+v, want %+v", got, want)
	}
}

func same(a, b *provider.Record) bool {
	return a.ID == b.ID && a.Version == b.Version && a.Format == b.Format && bytes.Equal(a.Data, b.Data) &&
		provider.Millis(a.ExpiresAt) == provider.Millis(b.ExpiresAt)
}
