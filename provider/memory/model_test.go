package memory_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// TestModel makes random calls, and wants the answers of a plain map and, after
// each, exact books.
func TestModel(t *testing.T) {
	for range 10 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed=%#x", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newModel(t, seed).run(2000) })
		})
	}
}

const (
	modelIDs      = 60
	modelData     = 300
	modelMaxBytes = 10_000
)

// A model knows what a store with MaxBytes must answer.
type model struct {
	*rand.Rand
	t       *testing.T
	p       *memory.Provider
	ids     []string
	records map[string]*provider.Record
	version int64
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{
		Rand:    rand.New(rand.NewPCG(seed, 0)),
		t:       t,
		p:       memory.New(memory.MaxBytes(modelMaxBytes)),
		records: make(map[string]*provider.Record),
	}
	for i := range modelIDs {
		m.ids = append(m.ids, fmt.Sprint("id-", i))
	}
	return m
}

func (m *model) run(steps int) {
	for range steps {
		id := m.ids[m.IntN(len(m.ids))]
		switch m.IntN(10) {
		case 0:
			<-time.After(time.Duration(m.IntN(500)) * time.Millisecond)
		case 1:
			m.delete(id)
		case 2, 3, 4:
			m.fetch(id)
		default:
			m.save(m.record(id), m.expectVersion(id))
		}
		if err := m.p.Audit(); err != nil {
			m.t.Fatal(err)
		}
	}
}

// live returns the record as the store must have it, or nil.
func (m *model) live(id string) *provider.Record {
	if rec := m.records[id]; rec != nil && !rec.Expired(time.Now()) {
		return rec
	}
	return nil
}

// bytes returns what the live records count against MaxBytes.
func (m *model) bytes() (n int64) {
	for id := range m.records {
		if rec := m.live(id); rec != nil {
			n += size(rec)
		}
	}
	return n
}

func size(rec *provider.Record) int64 { return int64(len(rec.ID)+len(rec.Format)+len(rec.Data)) + 208 }

func (m *model) record(id string) *provider.Record {
	m.version++
	rec := &provider.Record{ID: id, Version: m.version, Format: m.word(10), Data: []byte(m.word(modelData))}
	switch m.IntN(20) {
	case 0:
		rec.ExpiresAt = time.Now().Add(-time.Duration(m.IntN(1000)))
	case 1:
		rec.Data = make([]byte, modelMaxBytes)
	case 2, 3, 4, 5:
	default:
		rec.ExpiresAt = time.Now().Add(time.Duration(m.IntN(20_000)) * time.Millisecond)
	}
	if old := m.live(id); old != nil && m.IntN(10) == 0 {
		rec.Version = old.Version
	}
	return rec
}

func (m *model) word(n int) string { return string(bytes.Repeat([]byte("x"), m.IntN(n))) }

func (m *model) expectVersion(id string) int64 {
	old := m.live(id)
	switch {
	case old == nil && m.IntN(4) > 0:
		return 0
	case old != nil && m.IntN(4) > 0:
		return old.Version
	}
	return m.Int64N(m.version+2) - 1
}

func (m *model) fetch(id string) {
	got, err := m.p.Fetch(provider.WithReserve(context.Background()), id)
	want := m.live(id)
	switch {
	case want == nil && errors.Is(err, provider.ErrNotFound):
	case want != nil && err == nil && same(got, want):
	default:
		m.t.Fatalf("Fetch: got %+v and error %v, want %+v", got, err, want)
	}
}

func (m *model) delete(id string) {
	if err := m.p.Delete(provider.WithReserve(context.Background()), id); err != nil {
		m.t.Fatal(err)
	}
	delete(m.records, id)
}

func (m *model) save(rec *provider.Record, expectVersion int64) {
	err := m.p.Save(provider.WithReserve(context.Background()), rec, expectVersion)
	old := m.live(rec.ID)
	want, stored := m.outcome(rec, old, expectVersion)
	if !errors.Is(err, want) {
		m.t.Fatalf("Save of %+v, expecting %d, over %+v: got error %v, want %v", rec, expectVersion, old, err, want)
	}
	if conflict, ok := errors.AsType[*provider.ConflictError](err); ok && !same(conflict.Current, old) {
		m.t.Fatalf("ConflictError.Current is %+v, want %+v", conflict.Current, old)
	}
	if stored {
		m.records[rec.ID] = rec.Clone()
	}
	if used, live := m.p.Bytes(), m.bytes(); used < live {
		m.t.Fatalf("%d bytes are used, %d by live records alone", used, live)
	}
}

// outcome returns how a Save over old must end.
func (m *model) outcome(rec, old *provider.Record, expectVersion int64) (err error, stored bool) {
	switch {
	case size(rec) > modelMaxBytes:
		return provider.ErrTooLarge, false
	case expectVersion < 0:
	case expectVersion == 0 && old == nil:
	case old == nil:
		return provider.ErrVersionConflict, false
	case expectVersion > 0 && expectVersion == old.Version:
	case rec.Version == old.Version:
		return nil, false
	default:
		return provider.ErrVersionConflict, false
	}
	more := size(rec)
	if old != nil {
		more -= size(old)
	}
	if more > 0 && !rec.Expired(time.Now()) && m.bytes()+more > modelMaxBytes {
		return provider.ErrFull, false
	}
	return nil, true
}

func same(a, b *provider.Record) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID && a.Version == b.Version && provider.Millis(a.ExpiresAt) == provider.Millis(b.ExpiresAt) &&
		a.Format == b.Format && bytes.Equal(a.Data, b.Data)
}
