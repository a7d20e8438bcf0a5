package session

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Kind is what a record of this package is for.
type Kind string

// The kinds of records.
const (
	KindSession    Kind = "session"
	KindTombstone  Kind = "tombstone"   // remembers for minutes that a session was renewed or destroyed
	KindOwnerIndex Kind = "owner-index" // lists the sessions of an owner
	KindKeyring    Kind = "keyring"     // has the keys that sign cookies, if Config has none
)

// Info is what a record holds, for tools that look into a store.
type Info struct {
	Kind Kind

	// PublicID is the record's ID: Session.PublicID, if it is a session.
	PublicID string

	// Owner is the user that Session.SetOwner has named. KindSession, KindOwnerIndex.
	Owner string

	CreatedAt  time.Time // when the session began
	StartedAt  time.Time // when its lifetime began: then, or at the last Renew
	LastSeenAt time.Time // when it was last used, give or take Config.TouchInterval
	ExpiresAt  time.Time // when the record ends, unless it is used before; zero: never
	Deadline   time.Time // when it ends however busy it is, if Session.Persist was called

	// Commits is how often the record has been saved, touches included.
	Commits int64

	// Successor is the public ID of what a renewed session has become. KindTombstone.
	Successor string

	// Values are what the session's keys hold, sorted by name. KindSession.
	Values []Value

	// Sessions are the public IDs of the owner's sessions, and perhaps of some that
	// have ended. KindOwnerIndex.
	Sessions []string
}

// Inspect reads a record that this package has saved, as a provider.Lister
// yields them or Fetch returns them. It is for tools: a program's own requests
// Load their session. The codecs are the program's own; the built-in ones are
// always known, and a session of any other has values that do not Decode.
//
// Nothing secret comes out: a record does not have the token of the cookie, and of
// KindKeyring only the kind, the public ID and the number of commits are told. But the
// values are the visitor's.
//
// The error of a record that is none of these wraps ErrUnreadable. One that
// provider/sealed has encrypted is to be opened before.
func Inspect(rec *provider.Record, codecs ...Codec) (*Info, error) {
	if rec == nil {
		return nil, fmt.Errorf("%w: there is no record", ErrUnreadable)
	}
	if !envelope.ValidVersion(rec.Version) {
		return nil, fmt.Errorf("%w: malformed version", ErrUnreadable)
	}
	info := &Info{PublicID: rec.ID, ExpiresAt: rec.ExpiresAt, Commits: rec.Version >> 32}
	if rec.Format == keyring.Format {
		info.Kind = KindKeyring
		return info, nil
	}
	e, err := envelope.Decode(rec.ID, rec.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	info.Owner, info.Successor = e.Owner, e.Successor
	info.CreatedAt, info.StartedAt, info.LastSeenAt, info.Deadline = e.Created, e.Started, e.Seen, e.Deadline
	switch {
	case e.Tombstone:
		info.Kind = KindTombstone
	case rec.Format == records.OwnerIndexFormat:
		info.Kind = KindOwnerIndex
		for id := range e.Entries.All() {
			info.Sessions = append(info.Sessions, string(id))
		}
	default:
		info.Kind = KindSession
		info.Values = valuesOf(&e, codecNamed(rec.Format, codecs))
	}
	return info, nil
}

func valuesOf(e *envelope.Envelope, codec Codec) []Value {
	values := make([]Value, 0, e.Entries.Len())
	for name, value := range e.Entries.All() {
		values = append(values, Value{Name: string(name), Data: value, codec: codec})
	}
	return values
}

// codecNamed returns the codec of that name, or nil.
func codecNamed(name string, codecs []Codec) Codec {
	codecs = append([]Codec{anyCBOR{}, anyJSON{}}, codecs...)
	at := slices.IndexFunc(codecs, func(c Codec) bool { return c.Name() == name })
	if at < 0 {
		return nil
	}
	return codecs[at]
}

// Value is what one key of a session holds.
type Value struct {
	Name string
	Data []byte // as the codec has encoded it; a part of the record's Data

	codec Codec
}

// Decode returns the value in such types as encoding/json has for data of unknown
// shape, and takes again: nil, bool, string, []any, map[string]any, numbers of any
// type; moreover []byte and time.Time, and "NaN" or "+Inf" for what is no number
// there. What a codec of the program's own returns is left as it is. To decode into
// a type, call the codec's Unmarshal with Data.
func (v Value) Decode() (any, error) {
	if v.codec == nil {
		return nil, fmt.Errorf("session: key %q is encoded by a codec that is not known here", v.Name)
	}
	var x any
	if err := v.codec.Unmarshal(v.Data, &x); err != nil { // err may quote the value
		return nil, fmt.Errorf("session: the value of key %q does not decode", v.Name)
	}
	return x, nil
}
