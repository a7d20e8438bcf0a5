package session

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/epoch"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Kind is the purpose of a record of this package.
type Kind string

// The kinds of records.
const (
	KindSession    Kind = "session"
	KindTombstone  Kind = "tombstone"   // records that a session was renewed or destroyed
	KindOwnerIndex Kind = "owner-index" // lists the sessions of an owner
	KindLabelIndex Kind = "label-index" // lists the sessions with a label
	KindEpoch      Kind = "epoch"       // records the calls of Manager.RevokeEverything
	KindKeyring    Kind = "keyring"     // holds the keys that sign cookies, if Config has none
	KindUnreadable Kind = "unreadable"  // is no record of this package, or cannot be read: see Manager.Records
)

// Info describes the content of a record, for tools that inspect a store.
type Info struct {
	Kind Kind

	// PublicID is the record's ID: Session.PublicID, if it is a session.
	PublicID string

	// Owner is the user set by Session.SetOwner. KindSession, KindOwnerIndex.
	Owner string

	// Labels are the labels set by Session.SetLabel. KindSession; of KindLabelIndex, the
	// label of the sessions.
	Labels map[string]string

	CreatedAt  time.Time // when the session began; of KindEpoch, when RevokeEverything was last called
	StartedAt  time.Time // when its lifetime began: at CreatedAt or the last Renew
	LastSeenAt time.Time // when it was last used, to the precision of Config.TouchInterval
	ExpiresAt  time.Time // when the record ends, unless it is used before; zero: never
	Deadline   time.Time // when it ends even if it is in use, if Session.Persist was called

	// Commits is the number of times the record has been saved, including touches.
	Commits int64

	// Size is the number of bytes of the record's Data.
	Size int

	// Successor is the public ID of the session that a renewed session continues under.
	// KindTombstone.
	Successor string

	// Values are the values of the session's keys, sorted by name. KindSession.
	Values []Value

	// Sessions are the public IDs of the sessions of the owner or of the label, possibly
	// including some that have ended. KindOwnerIndex, KindLabelIndex.
	Sessions []string
}

// Inspect reads a record that this package has saved, as returned by Fetch or yielded by
// a provider.Lister. It is for tools; a request uses Load. Pass the program's own codecs;
// the built-in ones are always known. The values of a session with an unknown codec do
// not Decode.
//
// The result contains no secrets: a record does not contain the token of the cookie, and
// for KindKeyring only Kind, PublicID, ExpiresAt, Commits and Size are set. But the values are
// the visitor's data.
//
// If the record is of no known kind, the error wraps ErrUnreadable. A record that
// provider/sealed has encrypted must be decrypted first.
func Inspect(rec *provider.Record, codecs ...Codec) (*Info, error) {
	if rec == nil {
		return nil, fmt.Errorf("%w: there is no record", ErrUnreadable)
	}
	if !envelope.ValidVersion(rec.Version) {
		return nil, fmt.Errorf("%w: malformed version", ErrUnreadable)
	}
	info := &Info{PublicID: rec.ID, ExpiresAt: rec.ExpiresAt, Commits: rec.Version >> 32, Size: len(rec.Data)}
	if rec.Format == keyring.Format {
		info.Kind = KindKeyring
		return info, nil
	}
	if rec.Format == epoch.Format {
		info.Kind = KindEpoch
		_, since, err := epoch.Decode(rec.Data)
		info.CreatedAt = since
		return info, err
	}
	e, err := envelope.Decode(rec.ID, rec.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	info.Owner, info.Successor = e.Owner, e.Successor
	for l := range e.Fields.Labels().All() {
		if info.Labels == nil {
			info.Labels = map[string]string{}
		}
		info.Labels[l.Name] = l.Value
	}
	info.CreatedAt, info.StartedAt, info.LastSeenAt, info.Deadline = e.Created.Std(), e.Started.Std(), e.Seen.Std(), e.Deadline.Std()
	switch {
	case e.Tombstone:
		info.Kind = KindTombstone
	case rec.Format == records.OwnerIndexFormat:
		info.Kind = KindOwnerIndex
		if e.Owner == "" && len(info.Labels) > 0 {
			info.Kind = KindLabelIndex
		}
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

// Value is the value of one key of a session.
type Value struct {
	Name string
	Data []byte // as the codec has encoded it; a part of the record's Data

	codec Codec
}

// Decode returns the value as encoding/json decodes into any (nil, bool, string, []any,
// map[string]any), except that numbers may be of any numeric type. In addition it returns
// []byte and time.Time, and NaN and infinities become strings such as "NaN" and "+Inf".
// All of these can be encoded by encoding/json. A value of a codec of the program's own
// is returned as that codec decodes it. To decode into a type, call the codec's Unmarshal
// with Data. The error never quotes the value.
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
