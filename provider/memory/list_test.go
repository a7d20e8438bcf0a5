package memory_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// listed is enough for two chunks of a shard.
const listed = 64 * memory.ChunkSize * 3 / 2

// named saves a record of that name.
func named(t *testing.T, p *memory.Provider, prefix string, i int) {
	t.Helper()
	rec := &provider.Record{ID: fmt.Sprint(prefix, i), Version: 1, Format: "test"}
	if err := p.Save(t.Context(), rec, -1); err != nil {
		t.Fatal(err)
	}
}

// The maps of the shards grow and shrink while they are ranged over.
func TestListYieldsWhatStaysOnce(t *testing.T) {
	p := memory.New()
	for i := range listed {
		named(t, p, "stays-", i)
	}
	seed := rand.Uint64()
	change := rand.New(rand.NewPCG(seed, 0))
	times := make(map[string]int)
	for rec, err := range p.List(t.Context(), "stays-") {
		if err != nil {
			t.Fatal(err)
		}
		times[rec.ID]++
		named(t, p, "stays-", change.IntN(listed))
		for range 3 {
			named(t, p, "other-", change.IntN(listed))
		}
		if err := p.Delete(t.Context(), fmt.Sprint("other-", change.IntN(listed))); err != nil {
			t.Fatal(err)
		}
	}
	for i := range listed {
		if got := times[fmt.Sprint("stays-", i)]; got != 1 {
			t.Fatalf("seed %d: record %d was yielded %d times, want once", seed, i, got)
		}
	}
	audit(t, p)
}

// Others wait for no more than a chunk, however few records have the prefix.
func TestListLooksAtChunks(t *testing.T) {
	p := memory.New()
	for i := range listed {
		named(t, p, "other-", i)
	}
	for prefix, want := range map[string]int{"other-": listed, "": listed, "none": 0} {
		chunks, got := 0, 0
		for n := range p.ChunkSizes(prefix) {
			chunks++
			if got += n; n > memory.ChunkSize {
				t.Fatalf("prefix %q: a chunk has %d entries, want %d at most", prefix, n, memory.ChunkSize)
			}
		}
		if got != want || chunks < listed/memory.ChunkSize {
			t.Errorf("prefix %q: got %d entries in %d chunks, want %d in %d at least", prefix, got, chunks, want, listed/memory.ChunkSize)
		}
	}
}

func TestListToTheMillisecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := memory.New()
		save(t, p, expiring(1, time.Second), 0, nil)
		count := func() (n int) {
			for range p.List(t.Context(), "") {
				n++
			}
			return n
		}
		<-time.After(time.Second - time.Millisecond)
		if got := count(); got != 1 {
			t.Errorf("a millisecond before its expiry, List yields %d records, want 1", got)
		}
		<-time.After(time.Millisecond)
		if got := count(); got != 0 {
			t.Errorf("at its expiry, List yields %d records, want none", got)
		}
	})
}
