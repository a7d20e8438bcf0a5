package memory

import (
	"slices"

	"github.com/holdfast-go/holdfast/provider"
)

// An entry is a record in its shard.
type entry struct {
	id string
	content
	place int // in the shard's expiryQueue
}

// A content is what a Save stores under an ID. It is a value that is replaced,
// never changed, so that it can be read without the shard's lock.
type content struct {
	version int64
	expires int64 // provider.Millis
	format  string
	data    []byte // never written to
}

// newContent returns the content of rec. It keeps rec.Data.
func newContent(rec *provider.Record) content {
	return content{
		version: rec.Version,
		expires: provider.Millis(rec.ExpiresAt),
		format:  rec.Format,
		data:    rec.Data,
	}
}

// record returns the record of c. It shares c's data.
func (c content) record(id string) *provider.Record {
	return &provider.Record{
		ID:        id,
		Version:   c.version,
		ExpiresAt: provider.FromMillis(c.expires),
		Format:    c.format,
		Data:      slices.Clip(c.data),
	}
}

func (c content) expired(now int64) bool { return c.expires != 0 && c.expires <= now }

// overhead is the approximate memory of a record in addition to ID, Format and Data, in
// bytes: its entry, its places in the map and the queue, and the rounding of allocations.
const overhead = 192

// cost is the number of bytes of the budget that the content takes under that ID.
func (c content) cost(id string) int64 {
	return int64(len(id)+len(c.format)+len(c.data)) + overhead
}
