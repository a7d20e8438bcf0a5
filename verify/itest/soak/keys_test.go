package soak_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// keys are the signing keys of a site's instances.
type keys interface {
	// watch returns the store that an instance is to use.
	watch(provider.Provider) provider.Provider

	// rotate brings new keys in and restarts the instances, which fails nobody.
	rotate(*site)

	// rotated reports whether that has had an effect.
	rotated() bool

	// begin says that a session begins, and returns what says that it has ended:
	// its cookies may have been signed with any key from now on.
	begin() (end func())
}

// generations counts rotations, and which of them some session still needs.
type generations struct {
	mu     sync.Mutex
	now    int
	needed map[int]int // sessions, by the generation in which they began
}

func (g *generations) begin() (end func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.needed == nil {
		g.needed = map[int]int{}
	}
	born := g.now
	g.needed[born]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.needed[born]--; g.needed[born] == 0 {
			delete(g.needed, born)
		}
	}
}

// oldest returns how many generations ago the oldest session began.
func (g *generations) oldest() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := math.MaxInt
	for born := range g.needed {
		first = min(first, born)
	}
	return g.now - min(first, g.now)
}

func (g *generations) advance() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
}

// fixedKeys are Config.SigningKeys: a new one is made known everywhere before
// anybody signs with it, and an old one goes when no session needs it.
type fixedKeys struct {
	generations
	list [][]byte // newest first
}

func (*fixedKeys) watch(p provider.Provider) provider.Provider { return p }

func (k *fixedKeys) rotate(s *site) {
	newest := make([]byte, 32)
	rand.Read(newest)
	known := k.list[:min(len(k.list), 1+k.oldest())]
	if len(known) > 0 {
		s.restart(append(known[:len(known):len(known)], newest))
	}
	k.list = append([][]byte{newest}, known...)
	s.restart(k.list)
	k.advance()
}

func (k *fixedKeys) rotated() bool { return k.now > 1 }

func (s *site) restart(signingKeys [][]byte) {
	for _, i := range s.instances {
		i.restart(signingKeys)
	}
}

// ringKeys are the ring in the store. Its keys last an hour, so each rotation makes
// them an hour older.
type ringKeys struct {
	generations
	store provider.Provider
	id    atomic.Pointer[string] // of the ring's record
	most  byte                   // keys that it had
}

const (
	ringRotation = time.Hour
	ringLifetime = 8 * ringRotation // of sessions, and so of keys that have been succeeded
	ringSpare    = 5                // generations that a session may live, less than it takes a key to go

	ringFormat  = "holdfast-keyring"
	ringHeader  = 2
	ringKeySize = 8 + 32
)

func (k *ringKeys) watch(p provider.Provider) provider.Provider {
	k.store = p
	return &storetest.Store{
		Provider: p,
		OnSave: func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
			if rec.Format == ringFormat {
				k.id.Store(&rec.ID)
			}
			return next(ctx, rec, expect)
		},
	}
}

func (k *ringKeys) rotate(s *site) {
	if id := k.id.Load(); id != nil {
		if k.oldest() > ringSpare {
			return
		}
		if err := k.age(s.t.Context(), *id); err != nil {
			s.t.Errorf("%s: the ring cannot be aged: %v", s.name, err)
		}
	}
	s.restart(nil)
	k.advance()
}

func (k *ringKeys) rotated() bool { return k.most > 1 }

// age dates the ring's keys back, as if they were that much older.
func (k *ringKeys) age(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		rec, err := k.store.Fetch(ctx, id)
		if err == nil {
			was := rec.Version
			rec.Version++
			k.most = max(k.most, rec.Data[ringHeader-1])
			for i := ringHeader; i+ringKeySize <= len(rec.Data); i += ringKeySize {
				from := binary.BigEndian.Uint64(rec.Data[i:])
				binary.BigEndian.PutUint64(rec.Data[i:], from-uint64(ringRotation.Milliseconds()))
			}
			err = k.store.Save(ctx, rec, was)
		}
		if err == nil || !witness.Wait(ctx, 10*time.Millisecond) {
			return err
		}
	}
}
