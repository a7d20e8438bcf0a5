package migrate_test

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

var (
	prepare = migrate.Options{Prepare: true}
	move    = migrate.Options{}
)

func open(tb testing.TB, from, to provider.Provider, opts migrate.Options) *migrate.Provider {
	tb.Helper()
	p, err := migrate.New(from, to, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// A store is one in memory with hooks. Listings have none.
type store struct{ *storetest.Store }

func newStore() store { return store{&storetest.Store{Provider: memory.New()}} }

// List implements provider.Lister.
func (s store) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return provider.List(ctx, s.Provider, prefix)
}

// A pair is the stores of a migration.
type pair struct{ from, to store }

func newPair() *pair { return &pair{newStore(), newStore()} }

// open returns an instance that knows nothing yet.
func (p *pair) open(tb testing.TB, opts migrate.Options) *migrate.Provider {
	tb.Helper()
	return open(tb, p.from, p.to, opts)
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

// successor returns a record to be saved in place of rec.
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

// stored returns a record that is in p.
func stored(tb testing.TB, p provider.Provider) *provider.Record {
	tb.Helper()
	rec := newRecord()
	save(tb, p, rec, 0)
	return rec
}

func moves(tb testing.TB, p *migrate.Provider, id string) {
	tb.Helper()
	if err := p.Move(context.Background(), id); err != nil {
		tb.Fatalf("Move: %v", err)
	}
}

// holds wants p to have the record as it is.
func holds(tb testing.TB, p provider.Provider, want *provider.Record) {
	tb.Helper()
	got, err := p.Fetch(context.Background(), want.ID)
	if err != nil {
		tb.Errorf("Fetch: %v, want the record", err)
		return
	}
	if !same(got, want) {
		tb.Errorf("Fetch: got %+v, want %+v", got, want)
	}
}

// lacks wants p not to have a record.
func lacks(tb testing.TB, p provider.Provider, id string) {
	tb.Helper()
	if rec, err := p.Fetch(context.Background(), id); !errors.Is(err, provider.ErrNotFound) {
		tb.Errorf("Fetch: got %+v and error %v, want ErrNotFound", rec, err)
	}
}

func same(a, b *provider.Record) bool {
	return a.ID == b.ID && a.Version == b.Version && a.Format == b.Format && string(a.Data) == string(b.Data) &&
		provider.Millis(a.ExpiresAt) == provider.Millis(b.ExpiresAt)
}
