package linearizable

import (
	"bytes"
	"math"
	"math/rand/v2"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// record returns a record to save, announced.
func (c *client) record(id string) *provider.Record {
	rec := &provider.Record{
		ID:        id,
		Version:   c.versions.next(),
		ExpiresAt: lifetimes[c.rng.IntN(len(lifetimes))](),
		Format:    formats[c.rng.IntN(len(formats))],
		Data:      make([]byte, c.rng.IntN(sizes[c.rng.IntN(len(sizes))])),
	}
	pattern := c.rng.Uint64()
	for i := range rec.Data {
		rec.Data[i] = byte(pattern >> (i % 8 * 8))
	}
	c.announce(rec)
	return rec
}

// A record either has expired long ago or does not within the history.
var lifetimes = []func() time.Time{
	func() time.Time { return time.Time{} },
	func() time.Time { return time.Now().Add(time.Hour) },
	func() time.Time { return time.Now().Add(24 * time.Hour) },
	func() time.Time { return time.Now().AddDate(20, 0, 0) },
	func() time.Time { return time.Now().Add(time.Hour).Truncate(time.Second) },
	func() time.Time { return time.Now().Add(-time.Hour) },
}

var (
	formats = []string{"", "cbor", "json", "Größe/1 ✓"}
	sizes   = []int{1, 16, 200, 200, 200, 4000} // below
)

func isExpired(rec *provider.Record) bool { return rec.Expired(time.Now()) }

func same(a, b *provider.Record) bool {
	return a.ID == b.ID && a.Version == b.Version && a.Format == b.Format && bytes.Equal(a.Data, b.Data) &&
		provider.Millis(a.ExpiresAt) == provider.Millis(b.ExpiresAt)
}

// scribble spoils a record for whoever should not have kept it.
func scribble(rec *provider.Record) {
	for i := range rec.Data {
		rec.Data[i] = '#'
	}
	*rec = provider.Record{Data: rec.Data}
}

// versions gives each client of a history versions of its own, and all of them
// neighbours: who takes them for float64 mistakes one for another.
type versions struct{ base, client, clients, used int64 }

// bases are where all numbers are near 1, cannot all be told as float64, and end.
var bases = []int64{1, 1 << 53, math.MaxInt64 - 1<<20}

func (v *versions) next() int64 {
	v.used++
	return v.base + v.client + v.clients*v.used
}

// any returns a version that perhaps some client has used.
func (v *versions) any(rng *rand.Rand) int64 {
	return v.base + rng.Int64N(v.clients*(v.used+2))
}
