package memory

import "github.com/holdfast-go/holdfast/provider"

// An entry is a record in its shard.
type entry struct {
	content
	place int // in the shard's expiryQueue
}

// A content is what a Save stores under an ID. It is a value that is replaced,
// never changed, so that it can be read without the shard's lock.
type content struct {
	rec     *provider.Record // never written to
	expires int64            // provider.Millis
}

// newContent returns the content of rec. It keeps rec.
func newContent(rec *provider.Record) content {
	return content{rec, provider.Millis(rec.ExpiresAt)}
}

func (c content) expired(now int64) bool { return c.expires != 0 && c.expires <= now }

// overhead is the approximate memory of a record in addition to ID, Format and Data, in
// bytes: its entry, its places in the map and the queue, and the rounding of allocations.
const overhead = 208

// cost is the number of bytes of the budget that the content takes.
func (c content) cost() int64 {
	return int64(len(c.rec.ID)+len(c.rec.Format)+len(c.rec.Data)) + overhead
}
