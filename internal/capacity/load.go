package capacity

import "time"

// Load is the sessions of a site, and how they are used.
type Load struct {
	Sessions int64         `json:"sessions"` // stored at a time, without those that have expired
	Bytes    int64         `json:"bytes"`    // of a session's data, as a mean
	Requests float64       `json:"requests"` // a second, that use a session
	Changes  float64       `json:"changes"`  // share of the requests that change the session
	Owned    float64       `json:"owned"`    // share of the sessions that have an owner
	Idle     time.Duration `json:"idle"`     // the idle timeout
	Used     time.Duration `json:"used"`     // from a session's first request to its last, as a mean
	Replicas int           `json:"replicas"` // copies of the store besides the first
}

// Assumptions about every site.
const (
	// Devices is the number of sessions that an owner has.
	Devices = 2

	// tombstoneLifetime is how long a session leaves a tombstone when it is renewed, as each
	// sign-in does: session/internal/records.TombstoneLifetime.
	tombstoneLifetime = 5 * time.Minute

	// touchesPerIdle is by how much Config.TouchInterval is shorter than the idle timeout, by
	// default.
	touchesPerIdle = 10
)

// stored is how long a session is stored. Nobody signs out, so all sessions end by the idle
// timeout.
func (l Load) stored() time.Duration { return l.Used + l.Idle }

// Begun returns the number of sessions that begin in a second: as many as end.
func (l Load) Begun() float64 { return float64(l.Sessions) / l.stored().Seconds() }

// SignIns returns the number of sessions that get an owner in a second, each by a renewal.
func (l Load) SignIns() float64 { return l.Begun() * l.Owned }

// LeastRequests returns the number of requests a second without which there are fewer
// sessions: those that begin one and those that sign in.
func (l Load) LeastRequests() float64 { return l.Begun() + l.SignIns() }

// Rates are numbers in a second.
type Rates struct {
	Begun   float64 `json:"begun"`   // sessions
	SignIns float64 `json:"signIns"` // requests
	Changes float64 `json:"changes"` // requests that change a session, besides these
	Touches float64 `json:"touches"` // saves that only extend a session, at most
	Fetches float64 `json:"fetches"` // calls of the store
	Saves   float64 `json:"saves"`   // calls of the store
}

// Rates returns what the load does in a second. docs/costs.md has the calls of each kind of
// request, and the tests of package session hold them.
func (l Load) Rates() Rates {
	r := Rates{Begun: l.Begun(), SignIns: l.SignIns()}
	rest := max(0, l.Requests-r.Begun-r.SignIns)
	r.Changes = rest * l.Changes
	r.Touches = min(rest-r.Changes, r.Begun*float64(l.Used)/float64(l.Idle)*touchesPerIdle)
	const (
		signInFetches = 2 // of the session and of the owner index
		signInSaves   = 3 // of the session, the tombstone and the owner index
	)
	r.Fetches = rest + r.SignIns*signInFetches + r.Touches*l.Owned // a touch checks the owner index
	r.Saves = r.Begun + r.Changes + r.SignIns*signInSaves + r.Touches
	return r
}

// Records are what is stored at a time.
type Records struct {
	Sessions   float64 `json:"sessions"`
	Indexes    float64 `json:"ownerIndexes"`
	Tombstones float64 `json:"tombstones"`
	Expired    float64 `json:"expired"` // of all three, that are not removed yet
}

// Total returns the number of all records.
func (r Records) Total() float64 { return r.Sessions + r.Indexes + r.Tombstones + r.Expired }

// alive returns the records that have not expired.
func (l Load) alive() Records {
	return Records{
		Sessions:   float64(l.Sessions),
		Indexes:    float64(l.Sessions) * l.Owned / Devices,
		Tombstones: l.SignIns() * tombstoneLifetime.Seconds(),
	}
}

// ended returns the records that expire within the time late.
func (l Load) ended(late time.Duration) Records {
	begun := l.Begun() * late.Seconds()
	return Records{Sessions: begun, Indexes: begun * l.Owned / Devices, Tombstones: begun * l.Owned}
}

// The data of other records than sessions, in bytes: of an owner index with Devices entries,
// and of a tombstone.
const (
	indexBytes     = 40 + 64*Devices + 16 // with its format, which is that much longer than "cbor"
	tombstoneBytes = 80
)

// bytes returns the room of records of this load, if one of a size takes that much.
func (r Records) bytes(l Load, s size) float64 {
	return r.Sessions*s.of(l.Bytes) + r.Indexes*s.of(indexBytes) + r.Tombstones*s.of(tombstoneBytes)
}
