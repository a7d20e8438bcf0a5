package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// NewRecord returns a record with an ID and data of its own, which expires in an hour.
func NewRecord() *provider.Record {
	return &provider.Record{
		ID:        rand.Text(),
		Version:   1,
		ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Millisecond).UTC(),
		Format:    "test",
		Data:      []byte("secret " + rand.Text()),
	}
}

// Next returns the record that replaces rec: with the next version and other data.
func Next(rec *provider.Record) *provider.Record {
	next := rec.Clone()
	next.Version++
	next.Data = []byte("secret " + rand.Text())
	return next
}

// WithVersion returns a copy of rec with another version.
func WithVersion(rec *provider.Record, version int64) *provider.Record {
	rec = rec.Clone()
	rec.Version = version
	return rec
}

// Save calls p.Save. The test fails unless the error wraps want, or is nil if want is nil.
func Save(tb testing.TB, p provider.Provider, rec *provider.Record, expectVersion int64, want error) error {
	tb.Helper()
	err := p.Save(tb.Context(), rec, expectVersion)
	if !errors.Is(err, want) {
		tb.Fatalf("Save, expecting version %d: got error %v, want %v", expectVersion, err, want)
	}
	return err
}

// WantRecord fails the test unless p has a record with the ID, version and data of want.
func WantRecord(tb testing.TB, p provider.Provider, want *provider.Record) {
	tb.Helper()
	got, err := p.Fetch(tb.Context(), want.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if got.Version != want.Version || string(got.Data) != string(want.Data) {
		tb.Errorf("Fetch: got version %d with Data %q, want %d with %q", got.Version, got.Data, want.Version, want.Data)
	}
}

// WantNoRecord fails the test if p has a record with this ID.
func WantNoRecord(tb testing.TB, p provider.Provider, id string) {
	tb.Helper()
	if _, err := p.Fetch(tb.Context(), id); !errors.Is(err, provider.ErrNotFound) {
		tb.Errorf("Fetch: got error %v, want ErrNotFound", err)
	}
}

// List returns the IDs that provider.List yields, or its first error.
func List(ctx context.Context, p provider.Provider, prefix string) (ids []string, err error) {
	for rec, err := range provider.List(ctx, p, prefix) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, rec.ID)
	}
	return ids, nil
}

// Patience is how long Eventually waits: longer than a busy machine may stand still.
const Patience = time.Minute

// Eventually calls done until it returns true. The test fails if that takes longer than
// Patience.
func Eventually(tb testing.TB, what string, done func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("%s: still not after %v", what, Patience)
		}
	}
}
