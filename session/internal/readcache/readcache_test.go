package readcache_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/readcache"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// newCache returns a cache over a store that cannot broadcast.
func newCache() *readcache.Cache {
	return readcache.New(readcache.Options{MaxStale: time.Hour, MaxBytes: 1 << 20, Logger: slog.New(slog.DiscardHandler)})
}

// live returns the content of a session with that number of commits, which has not expired.
func live(commits int64) *records.Content {
	c := records.NewContent("cbor")
	c.Version, c.Expires = commits<<32|1, time.Now().Add(time.Hour)
	return c
}

func put(c *readcache.Cache, id string, content *records.Content) { c.Put(id, content, c.Begin(id)) }

// found reports whether there is a copy that may be used.
func found(c *readcache.Cache, id string) bool {
	found := true
	c.Fetch(id, 0, func() (*records.Content, error) {
		found = false
		return nil, nil
	})
	return found
}

func TestOnlyLiveSessionsAreKept(t *testing.T) {
	tombstone, index := live(2), live(2)
	tombstone.Tombstone, index.Format = true, records.OwnerIndexFormat
	for name, content := range map[string]*records.Content{"no record": nil, "a tombstone": tombstone, "an owner index": index} {
		c := newCache()
		put(c, "id", live(1))
		put(c, "id", content)
		if found(c, "id") {
			t.Errorf("%s: a copy is left", name)
		}
		if st := c.Stats(); st.Copies != 0 || st.Bytes != 0 {
			t.Errorf("%s: %+v", name, st)
		}
	}
}

func TestSeenForIsAboutOneVersion(t *testing.T) {
	c := newCache()
	first, second := live(1), live(2)
	put(c, "id", first)
	if c.SeenFor("id", first.Version) <= 0 {
		t.Error("the version of the copy was not seen")
	}
	if d := c.SeenFor("id", second.Version) + c.SeenFor("another", first.Version); d != 0 {
		t.Errorf("a version that is not known was seen for %v", d)
	}
}
