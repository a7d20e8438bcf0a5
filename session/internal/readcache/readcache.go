// Package readcache keeps copies of the records of sessions, so that a request that only
// reads takes no storage trip.
//
// A copy is used only as long as its age is known to be within a limit. Beside that, the
// messages of other instances remove the copies of sessions that have ended, and a browser
// says which version it has seen, so that no older one is shown to it.
package readcache

import (
	"container/list"
	"context"
	"encoding/binary"
	"log/slog"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/broadcast"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Options configure a Cache. None has a default.
type Options struct {
	MaxStale time.Duration // age from which a copy is not used any more
	MaxBytes int           // of all copies, about
	MaxWait  time.Duration // for a read of the same record by another request

	// Listen is provider.Listen. Nil means that the store cannot broadcast.
	Listen func(ctx context.Context, ready func(), heard func([]byte)) error

	Logger *slog.Logger
}

// Cache keeps copies of records as they were read or saved. It is safe for concurrent use.
//
// The age of a copy counts from when the call was sent that has returned it: at that time
// or later, the copy was the newest.
type Cache struct {
	opts      Options
	shards    [shards]shard
	counters  counters
	listening listening
	reading   sync.Map // by ID, a channel that is closed when the read that is under way ends
}

var _ records.Cache = (*Cache)(nil)

const shards = 64

type shard struct {
	mu       sync.Mutex
	copies   map[broadcast.Tag]*list.Element // of *entry
	recent   list.List                       // the most recently used one first
	bytes    int
	removals uint64 // how often a copy was removed that may not have been the newest
}

// entry is a copy of a record.
type entry struct {
	tag     broadcast.Tag
	id      string
	content *records.Content
	sent    time.Time // when the call was sent that has returned it
	first   time.Time // when this version was first returned
	size    int
}

// New returns an empty Cache.
func New(o Options) *Cache {
	c := &Cache{opts: o}
	c.listening.deaf.Store(o.Listen == nil)
	for i := range c.shards {
		c.shards[i].copies = map[broadcast.Tag]*list.Element{}
	}
	return c
}

// shard returns the shard of a tag, which is a hash.
func (c *Cache) shard(tag broadcast.Tag) *shard {
	return &c.shards[binary.LittleEndian.Uint64(tag[:])%shards]
}

// find returns the copy of a record, or nil.
func (sh *shard) find(tag broadcast.Tag, id string) *list.Element {
	if element := sh.copies[tag]; element != nil && element.Value.(*entry).id == id {
		return element
	}
	return nil
}

func (sh *shard) remove(element *list.Element) {
	one := sh.recent.Remove(element).(*entry)
	delete(sh.copies, one.tag)
	sh.bytes -= one.size
}

// Copy is a copy of a record.
type Copy struct {
	Content *records.Content
	Age     time.Duration // at most; 0 if the store was read
}

// get returns the copy of a record if it may be used, and otherwise the reason why not.
func (c *Cache) get(id string, commits int64) (Copy, result) {
	now := time.Now()
	if !c.used(now) {
		return Copy{}, deaf
	}
	tag := broadcast.TagOf(id)
	sh := c.shard(tag)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	element := sh.find(tag, id)
	if element == nil {
		return Copy{}, absent
	}
	one := element.Value.(*entry)
	age := passed(one.sent, now)
	switch {
	case age > c.opts.MaxStale || !now.Before(one.content.Expires):
		return Copy{}, stale
	case records.Commits(one.content.Version) < commits:
		return Copy{}, outdated
	}
	sh.recent.MoveToFront(element)
	return Copy{one.content, max(age, 1)}, hit
}

// passed returns the time from then to now by the clock of the machine that says more: the
// monotonic one stops while the machine is suspended, and the other may be set back.
func passed(then, now time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}

// Begin implements records.Cache.
func (c *Cache) Begin(id string) records.CacheCall {
	sh := c.shard(broadcast.TagOf(id))
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return records.CacheCall{Sent: time.Now(), Removals: sh.removals}
}

// Put implements records.Cache. It does not add the copy if one was removed since the call
// was sent, because this one may be as old, or if there is a newer one.
func (c *Cache) Put(id string, content *records.Content, call records.CacheCall) {
	if content == nil || content.Tombstone || content.IsOwnerIndex() {
		c.Remove(id)
		return
	}
	if !c.trusted() {
		return
	}
	tag := broadcast.TagOf(id)
	sh := c.shard(tag)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.removals != call.Removals {
		return
	}
	one := &entry{tag: tag, id: id, content: content, sent: call.Sent, first: time.Now(), size: size(content)}
	if element := sh.copies[tag]; element != nil {
		if !one.replaces(element.Value.(*entry)) {
			return
		}
		sh.remove(element)
	}
	sh.copies[tag] = sh.recent.PushFront(one)
	sh.bytes += one.size
	for sh.bytes > c.opts.MaxBytes/shards {
		sh.remove(sh.recent.Back())
	}
}

// replaces reports whether e takes the place of old. The same version was first seen when
// old was.
func (e *entry) replaces(old *entry) bool {
	switch {
	case old.id != e.id:
		return true
	case old.content.Version == e.content.Version:
		e.first = old.first
		return old.sent.Before(e.sent)
	}
	return records.Commits(old.content.Version) < records.Commits(e.content.Version)
}

// overhead is about what a copy takes beside the bytes of its record.
const overhead = 800

func size(c *records.Content) int { return overhead + c.Entries.Size() + len(c.History) + len(c.Owner) }

// Remove implements records.Cache. Calls that are under way do not put the copy back.
func (c *Cache) Remove(id string) { c.removeTag(broadcast.TagOf(id)) }

func (c *Cache) removeTag(tag broadcast.Tag) {
	sh := c.shard(tag)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.removals++
	if element := sh.copies[tag]; element != nil {
		sh.remove(element)
	}
}

// clear removes all copies.
func (c *Cache) clear() {
	for i := range c.shards {
		sh := &c.shards[i]
		sh.mu.Lock()
		sh.removals++
		clear(sh.copies)
		sh.recent.Init()
		sh.bytes = 0
		sh.mu.Unlock()
	}
}

// SeenFor returns for how long this version of a record is known here. Before that, other
// instances may have read an older version, and may still use their copies.
func (c *Cache) SeenFor(id string, version int64) time.Duration {
	tag := broadcast.TagOf(id)
	sh := c.shard(tag)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if element := sh.find(tag, id); element != nil {
		if one := element.Value.(*entry); one.content.Version == version {
			return time.Since(one.first)
		}
	}
	return 0
}
