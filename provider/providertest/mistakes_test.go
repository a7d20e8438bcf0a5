package providertest_test

import (
	"context"
	"errors"
	"sync"

	"github.com/holdfast-go/holdfast/provider"
)

// A mistake makes a broken provider from a good one.
type mistake func(good provider.Provider) provider.Provider

// hooks stand before a provider that has no flaw. They see only calls that are
// valid and not over, so that each flaw is one by itself.
type hooks struct {
	provider.Provider
	fetch  fetchHook
	save   saveHook
	delete deleteHook
}

type (
	fetchHook  = func(c conn, id string) (*provider.Record, error)
	saveHook   = func(c conn, rec *provider.Record, expectVersion int64) error
	deleteHook = func(c conn, id string) error
)

// A conn is the provider behind the hooks, with the context of the call.
type conn struct {
	provider.Provider
	ctx context.Context
}

func (c conn) fetch(id string) (*provider.Record, error) { return c.Fetch(c.ctx, id) }
func (c conn) delete(id string) error                    { return c.Delete(c.ctx, id) }
func (c conn) save(rec *provider.Record, expectVersion int64) error {
	return c.Save(c.ctx, rec, expectVersion)
}

func (h hooks) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if h.fetch == nil || provider.ValidateID(id) != nil || ctx.Err() != nil {
		return h.Provider.Fetch(ctx, id)
	}
	return h.fetch(conn{h.Provider, ctx}, id)
}

func (h hooks) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if h.save == nil || rec.Validate(expectVersion) != nil || ctx.Err() != nil {
		return h.Provider.Save(ctx, rec, expectVersion)
	}
	return h.save(conn{h.Provider, ctx}, rec, expectVersion)
}

func (h hooks) Delete(ctx context.Context, id string) error {
	if h.delete == nil || provider.ValidateID(id) != nil || ctx.Err() != nil {
		return h.Provider.Delete(ctx, id)
	}
	return h.delete(conn{h.Provider, ctx}, id)
}

// A shadow remembers the records that were saved last, expired or not.
type shadow struct{ records sync.Map }

func (s *shadow) get(id string) *provider.Record {
	found, _ := s.records.Load(id)
	rec, _ := found.(*provider.Record)
	return rec
}

func (s *shadow) put(rec *provider.Record) { s.records.Store(rec.ID, rec) }

// of returns p with its records remembered.
func (s *shadow) of(p provider.Provider) provider.Provider {
	return hooks{
		Provider: p,
		save: func(c conn, rec *provider.Record, expectVersion int64) error {
			err := c.save(rec, expectVersion)
			if err == nil {
				s.put(rec.Clone())
			}
			return err
		},
		delete: func(c conn, id string) error {
			s.records.Delete(id)
			return c.delete(id)
		},
	}
}

func fetching(f fetchHook) mistake {
	return func(p provider.Provider) provider.Provider { return hooks{Provider: p, fetch: f} }
}

func saving(f saveHook) mistake {
	return func(p provider.Provider) provider.Provider { return hooks{Provider: p, save: f} }
}

func deleting(f deleteHook) mistake {
	return func(p provider.Provider) provider.Provider { return hooks{Provider: p, delete: f} }
}

// missing changes what becomes of fetching a record that is missing.
func missing(f fetchHook) mistake {
	return fetching(func(c conn, id string) (*provider.Record, error) {
		rec, err := c.fetch(id)
		if errors.Is(err, provider.ErrNotFound) {
			return f(c, id)
		}
		return rec, err
	})
}

// altering changes what is saved.
func altering(alter func(rec *provider.Record)) mistake {
	return saving(func(c conn, rec *provider.Record, expectVersion int64) error {
		rec = rec.Clone()
		alter(rec)
		return c.save(rec, expectVersion)
	})
}

// updating changes what is saved in place of an old record.
func updating(alter func(rec, old *provider.Record)) mistake {
	return saving(func(c conn, rec *provider.Record, expectVersion int64) error {
		if old, err := c.fetch(rec.ID); err == nil && expectVersion != 0 {
			rec = rec.Clone()
			alter(rec, old)
		}
		return c.save(rec, expectVersion)
	})
}

// refusing fails the save of some records.
func refusing(refuse func(rec *provider.Record) bool, err error) mistake {
	return saving(func(c conn, rec *provider.Record, expectVersion int64) error {
		if refuse(rec) {
			return err
		}
		return c.save(rec, expectVersion)
	})
}

// overriding lets some saves through in spite of a conflict.
func overriding(override func(rec, current *provider.Record, expectVersion int64) bool) mistake {
	return conflicting(func(c conn, rec *provider.Record, expectVersion int64, conflict *provider.ConflictError) error {
		if override(rec, conflict.Current, expectVersion) {
			return c.save(rec, -1)
		}
		return conflict
	})
}

// conflicting changes what becomes of a conflict.
func conflicting(f conflictHook) mistake { return saving(f.save) }

// A conflictHook is called when a save has met a conflict.
type conflictHook func(c conn, rec *provider.Record, expectVersion int64, conflict *provider.ConflictError) error

func (f conflictHook) save(c conn, rec *provider.Record, expectVersion int64) error {
	err := c.save(rec, expectVersion)
	if conflict, ok := errors.AsType[*provider.ConflictError](err); ok {
		return f(c, rec, expectVersion, conflict)
	}
	return err
}

// naming changes IDs on the way to the store.
func naming(change func(id string) string) mistake {
	return func(p provider.Provider) provider.Provider {
		return hooks{
			Provider: p,
			fetch: func(c conn, id string) (*provider.Record, error) {
				rec, err := c.fetch(change(id))
				if err == nil {
					rec.ID = id
				}
				return rec, err
			},
			save: func(c conn, rec *provider.Record, expectVersion int64) error {
				rec = rec.Clone()
				rec.ID = change(rec.ID)
				err := c.save(rec, expectVersion)
				if errors.Is(err, provider.ErrVersionConflict) {
					return provider.ErrVersionConflict
				}
				return err
			},
			delete: func(c conn, id string) error { return c.delete(change(id)) },
		}
	}
}

// remembering is for flaws that still know what has expired.
func remembering(add func(p provider.Provider, saved *shadow) provider.Provider) mistake {
	return func(p provider.Provider) provider.Provider {
		saved := new(shadow)
		return add(saved.of(p), saved)
	}
}

// mending accepts what is invalid after a change.
func mending(mend func(rec *provider.Record)) mistake {
	return func(p provider.Provider) provider.Provider { return mender{p, mend} }
}

type mender struct {
	provider.Provider
	mend func(rec *provider.Record)
}

func (m mender) id(id string) string {
	if provider.ValidateID(id) == nil {
		return id
	}
	rec := &provider.Record{ID: id}
	m.mend(rec)
	return rec.ID
}

func (m mender) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	return m.Provider.Fetch(ctx, m.id(id))
}

func (m mender) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if rec != nil && rec.Validate(expectVersion) != nil {
		rec = rec.Clone()
		m.mend(rec)
	}
	return m.Provider.Save(ctx, rec, expectVersion)
}

func (m mender) Delete(ctx context.Context, id string) error {
	return m.Provider.Delete(ctx, m.id(id))
}

type ignoresNil struct{ provider.Provider }

func (p ignoresNil) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if rec == nil {
		return nil
	}
	return p.Provider.Save(ctx, rec, expectVersion)
}

type panicsOnNil struct{ provider.Provider }

func (p panicsOnNil) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	return p.Provider.Save(ctx, rec.Clone(), expectVersion)
}

// aliases are the Data of all versions of all records, each in one place.
type aliases struct{ places sync.Map }

type place struct {
	id      string
	version int64
}

// put makes rec.Data the place of rec's Data.
func (a *aliases) put(rec *provider.Record) { a.places.Store(place{rec.ID, rec.Version}, rec.Data) }

// data returns the place of rec's Data, which is rec.Data if there is none yet.
func (a *aliases) data(rec *provider.Record) []byte {
	data, _ := a.places.LoadOrStore(place{rec.ID, rec.Version}, rec.Data)
	return data.([]byte)
}
