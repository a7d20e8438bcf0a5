package session

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/binding"
	"github.com/holdfast-go/holdfast/session/internal/broadcast"
	"github.com/holdfast-go/holdfast/session/internal/readcache"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
)

// ReadCache configures copies of records in this process, for requests that only read:
// GET, HEAD and OPTIONS (RFC 9110, section 9.2.1) with a cookie. They take no storage trip
// if there is a copy that may be used. All else reads the store: other methods, commits,
// Update, Touch, Check, Watch, Manager.Open, the sessions of an owner, the signing keys.
// With provider/memory there are no copies, because its records are in the process already.
// Of requests that need the same record at once, as those of one page do, one reads it; the
// others wait for that read, for a tenth of StoreTimeout at most, and use the copy.
//
// What a copy does not show:
//
//   - The end of a session by another instance, such as Revoke, for MaxStale at most. If the
//     provider is a provider.Broadcaster, its message removes the copy as soon as it arrives;
//     while messages cannot be heard, copies are not used.
//   - That a bound cookie (Config.DeviceBinding) was replaced by a newer one, for MaxStale at
//     most, but not beyond Config.DeviceBindingInterval.
//   - That the cookie of the request was replaced by a newer one (Config.RotateInterval), for
//     MaxStale at most.
//   - Changes by other browsers, or by Manager.Update in another instance, for MaxStale at
//     most.
//
// A browser sees its own changes, and never an older version than it has seen before, on
// whatever instance. For this, a response that has changed the session, or is the first one
// to read a version, sets a second cookie with the number of the version. It is named like
// the session's cookie with "-version" after it, and expires after MaxStale. This needs
// responses that arrive in the order of their requests, and changes that are committed
// before the response begins.
//
// A change that starts from a copy that is not the newest version is a conflict like any
// other: no update is lost. One that the copy already has, such as a Delete of a key that it
// lacks, reads the store first. So a GET that changes what it has read answers 409 more often,
// except in HandlerFunc and Replay, which run it again on the newest version.
type ReadCache struct {
	// MaxStale is the maximum age of a copy, counted from before it was read or saved. A minute
	// fits a provider that is a provider.Broadcaster, a few seconds any other. Default 0:
	// there are no copies. The maximum is an hour.
	MaxStale time.Duration

	// MaxBytes is about the maximum memory of all copies, of which those that were not used
	// for the longest time are removed first. A copy takes the bytes of its record and about
	// 800 more. Default 64 MiB.
	MaxBytes int
}

const (
	defaultReadCacheBytes = 64 << 20
	minReadCacheBytes     = 1 << 20
	maxStaleLimit         = time.Hour
)

// ReadCacheStats describes the copies of Config.ReadCache.
type ReadCacheStats struct {
	Hits int64 // requests that were served by a copy

	// Requests that had to read the store, by reason.
	Absent   int64 // there was no copy
	Stale    int64 // it was older than MaxStale, or had expired
	Outdated int64 // the browser had seen a newer version
	Deaf     int64 // the store's broadcast was not heard, so that copies may not be used

	Copies int // present number
	Bytes  int // about what they take
}

// ReadCacheStats returns statistics of Config.ReadCache, for metrics. They are zero if it
// is not in use.
func (m *Manager) ReadCacheStats() ReadCacheStats {
	m.check()
	if m.cache == nil {
		return ReadCacheStats{}
	}
	st := m.cache.Stats()
	return ReadCacheStats{
		Hits: st.Hits, Absent: st.Absent, Stale: st.Stale, Outdated: st.Outdated, Deaf: st.Deaf,
		Copies: st.Copies, Bytes: st.Bytes,
	}
}

// newReadCache returns the cache of records, or nil if there is to be none.
func newReadCache(cfg *Config, listener *broadcast.Listener) *readcache.Cache {
	if cfg.ReadCache.MaxStale == 0 {
		return nil
	}
	return readcache.New(readcache.Options{
		MaxStale: cfg.ReadCache.MaxStale, MaxBytes: cfg.ReadCache.MaxBytes, MaxWait: cfg.StoreTimeout / 10, Listener: listener,
	})
}

// fetch returns the content of the record of who: a copy if req may use it, or else what is
// stored, for which there may be room. Age is that of the copy, and 0 if the store was read.
func (m *Manager) fetch(ctx context.Context, req request, who token.Identity, room *records.Content) (c *records.Content, age time.Duration, err error) {
	id := who.ID
	if m.cache != nil {
		if commits, ok := req.mayUseCopy(id); ok {
			found, err := m.cache.Fetch(id, commits, func() (*records.Content, error) { return m.records.Fetch(ctx, id) })
			if found.Age == 0 || m.mayServe(req, found.Content) == nil && !m.mayBeBoundSince(found) && m.engine.Rotation.AllowsCopy(found.Content, who.Index) {
				return found.Content, found.Age, err
			}
		}
	}
	if room == nil {
		c, err = m.records.Fetch(ctx, id)
	} else {
		c, err = m.records.FetchInto(ctx, id, room)
	}
	return c, 0, err
}

// mayBeBoundSince reports whether a key may have been registered since the copy was read, or
// a request may have come with the first token: the copy would serve the session without a
// proof.
func (m *Manager) mayBeBoundSince(c readcache.Copy) bool {
	if m.binder == nil || c.Content.Fields == "" {
		return false
	}
	b := c.Content.Fields.Binding()
	return b.Pending && records.Now().Add(-c.Age).Before(b.Until) || b.Bound && !binding.Confirmed(&b)
}

// mayUseCopy reports whether the request may be served by a copy of the record, and the
// number of the last commit that the browser has seen.
func (p *requestState) mayUseCopy(id string) (commits int64, ok bool) {
	if p.sent > 1 || p.usesHeader || !safe(p.request.Method) {
		return 0, false
	}
	return p.seenCommits(id), true
}

// versionSuffix follows the name of the session's cookie in that of the version's.
const versionSuffix = "-version"

// seenCommits returns the number of the last commit that the browser has seen of a session,
// as its cookie says. A browser that lies gets older or newer copies of its own session.
func (p *requestState) seenCommits(id string) (commits int64) {
	cookie := Cookie{Name: p.m.cfg.Cookie.Name + versionSuffix}
	var room [1]string
	for _, value := range cookie.sent(room[:0], p.request.Header) {
		number, of, _ := strings.Cut(value, ".")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && of == shortID(id) {
			commits = max(commits, n)
		}
	}
	return commits
}

// shortID is a part of a record's ID that tells the sessions of one browser apart.
func shortID(id string) string { return id[:min(len(id), 8)] }

// writeVersion sets the cookie that says which version the browser has seen, unless it
// holds that version already, or all copies of older ones have expired.
func (p *requestState) writeVersion(h http.Header) {
	tx := p.transaction()
	if p.m.cache == nil || p.usesHeader || tx == nil {
		return
	}
	id, content := tx.PublicID(), tx.Base()
	maxStale := p.m.cfg.ReadCache.MaxStale
	switch commits := records.Commits(content.Version); {
	case id == "" || commits == 0:
	case p.seenCommits(id) >= commits:
	case p.m.cache.SeenFor(id, content.Version) > maxStale:
	default:
		cookie := p.m.cfg.Cookie.render(strconv.FormatInt(commits, 10)+"."+shortID(id), maxStale+time.Second)
		cookie.Name += versionSuffix
		putCookie(h, cookie, nil)
	}
}
