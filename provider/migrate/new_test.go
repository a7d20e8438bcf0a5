package migrate_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/migrate"
)

func TestNewRefuses(t *testing.T) {
	a, b := memory.New(), memory.New()
	for _, c := range []struct {
		name     string
		from, to provider.Provider
		want     string
	}{
		{"no old store", nil, b, "a store is nil"},
		{"no new store", a, nil, "a store is nil"},
		{"one store twice", a, a, "the same store"},
		{"a migration from a migration", open(t, a, b, move), memory.New(), "itself a migrate.Provider"},
		{"a migration to a migration", memory.New(), open(t, a, b, move), "itself a migrate.Provider"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := migrate.New(c.from, c.to, move)
			if p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v and error %v, want an error that says %q", p, err, c.want)
			}
		})
	}
}

// incomparable is a Provider whose values cannot be compared.
type incomparable struct {
	provider.Provider
	_ []int
}

func TestNewComparesNoStoresThatCannotBeCompared(t *testing.T) {
	a := incomparable{Provider: memory.New()}
	if _, err := migrate.New(a, a, move); err != nil {
		t.Error(err)
	}
}

// alias is another Provider on the same records.
type alias struct{ inner *memory.Provider }

func (a alias) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	return a.inner.Fetch(ctx, id)
}

func (a alias) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	return a.inner.Save(ctx, rec, expectVersion)
}
func (a alias) Delete(ctx context.Context, id string) error { return a.inner.Delete(ctx, id) }
func (a alias) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return a.inner.List(ctx, prefix)
}

// Two providers on the same table are found out before anything is changed.
func TestMoveRefusesOneStoreForBoth(t *testing.T) {
	inner := memory.New()
	p := open(t, inner, alias{inner}, move)
	rec := stored(t, inner)
	for name, err := range map[string]error{"Move": p.Move(t.Context(), rec.ID), "MoveAll": moveAll(p)} {
		if err == nil || !strings.Contains(err.Error(), "the same store") {
			t.Errorf("%s: got error %v, want that both are the same store", name, err)
		}
	}
	holds(t, inner, rec)
	if inner.Len() != 1 {
		t.Errorf("%d records, want 1", inner.Len())
	}
}

func moveAll(p *migrate.Provider) error {
	_, err := p.MoveAll(context.Background(), migrate.MoveOptions{})
	return err
}

// If from and to are swapped, the markers are no records, and stay as they are.
func TestSwappedStoresAreReported(t *testing.T) {
	for _, c := range []struct {
		verb string
		do   func(*migrate.Provider, *provider.Record) error
	}{
		{"Fetch", func(p *migrate.Provider, rec *provider.Record) error {
			_, err := p.Fetch(t.Context(), rec.ID)
			return err
		}},
		{"Save", func(p *migrate.Provider, rec *provider.Record) error { return p.Save(t.Context(), rec, 0) }},
		{"Delete", func(p *migrate.Provider, rec *provider.Record) error { return p.Delete(t.Context(), rec.ID) }},
		{"List", func(p *migrate.Provider, _ *provider.Record) (last error) {
			for _, err := range p.List(t.Context(), "") {
				last = err
			}
			return last
		}},
	} {
		t.Run(c.verb, func(t *testing.T) {
			s := newPair()
			rec := stored(t, s.from)
			moves(t, s.open(t, move), rec.ID)
			empty := newStore()
			err := c.do(open(t, empty, s.from, move), rec)
			if err == nil || !strings.Contains(err.Error(), "swapped") {
				t.Errorf("got error %v, want that the stores are swapped", err)
			}
			holds(t, s.open(t, move), rec)
		})
	}
}

func TestReservedFormatIsRefused(t *testing.T) {
	p := newPair().open(t, move)
	rec := newRecord()
	rec.Format = "holdfast-migrate/moved"
	if err := p.Save(t.Context(), rec, 0); !errors.Is(err, provider.ErrInvalidRecord) {
		t.Errorf("got error %v, want ErrInvalidRecord", err)
	}
}
