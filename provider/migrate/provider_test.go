package migrate_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// An instance in each phase keeps the contract, alone and beside one in the next phase.
// Over databases it is tested in verify/itest/migrate.
func TestContract(t *testing.T) {
	for _, c := range []struct {
		name string
		open func(t *testing.T, s *pair) provider.Provider
	}{
		{"Prepare", func(t *testing.T, s *pair) provider.Provider { return s.open(t, prepare) }},
		{"Move", func(t *testing.T, s *pair) provider.Provider { return s.open(t, move) }},
		{"Prepare, each record is moved once it is saved", func(t *testing.T, s *pair) provider.Provider {
			return mover{s.open(t, prepare), s.open(t, move)}
		}},
		{"Move, each record is created before", func(t *testing.T, s *pair) provider.Provider {
			return creator{s.open(t, move), s.open(t, prepare)}
		}},
		{"Prepare and Move, records are moved meanwhile", func(t *testing.T, s *pair) provider.Provider {
			return anyOf{[]provider.Provider{
				s.open(t, prepare),
				s.open(t, move),
				mover{s.open(t, prepare), s.open(t, move)},
				creator{s.open(t, move), s.open(t, prepare)},
			}}
		}},
		{"Move and the new store alone", func(t *testing.T, s *pair) provider.Provider {
			return anyOf{[]provider.Provider{s.open(t, move), s.to}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			providertest.Run(t, func(t *testing.T) provider.Provider { return c.open(t, newPair()) })
		})
	}
}

// A mover moves each record after it was saved.
type mover struct {
	*migrate.Provider
	moves *migrate.Provider
}

func (m mover) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	err := m.Provider.Save(ctx, rec, expectVersion)
	if err == nil {
		if err := m.moves.Move(ctx, rec.ID); err != nil && !errors.Is(err, migrate.ErrUnversioned) && ctx.Err() == nil {
			return err
		}
	}
	return err
}

// A creator creates records in the phase before.
type creator struct {
	*migrate.Provider
	creates *migrate.Provider
}

func (c creator) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if expectVersion <= 0 {
		return c.creates.Save(ctx, rec, expectVersion)
	}
	return c.Provider.Save(ctx, rec, expectVersion)
}

// anyOf is several instances, one of which gets the call.
type anyOf struct{ all []provider.Provider }

func (a anyOf) any() provider.Provider { return a.all[rand.IntN(len(a.all))] }

func (a anyOf) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	return a.any().Fetch(ctx, id)
}

func (a anyOf) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	return a.any().Save(ctx, rec, expectVersion)
}

func (a anyOf) Delete(ctx context.Context, id string) error { return a.any().Delete(ctx, id) }

func (a anyOf) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return provider.List(ctx, a.any(), prefix)
}
