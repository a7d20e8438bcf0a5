package session

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"slices"

	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

// Key names a value of type T in a session. It is a small value without state: declare it
// once, as a package variable, and use it with every Session. [NewKey] makes a Key; the
// zero Key panics.
//
//	var cart = session.NewKey[[]Item]("cart")
//
// Each value is encoded and stored by itself (see [Config].Codec). Get returns a copy:
// changing it has no effect on the session until Set.
//
// Unexported fields are not stored. A struct that embeds a type with its own encoding
// methods, such as a time.Time, inherits these methods, so only that field is stored. A
// value in a field of type any comes back as the type that the codec decodes it into: a
// struct becomes a map[string]any.
//
// The methods differ in what happens at LevelMerge when a parallel request has changed
// the key:
//
//	Get, then Set     conflicts
//	Set alone         wins
//	Update            is applied to the new value
//	GetOrSet          conflicts, unless there was a value
//	Pop               conflicts: of two requests one gets the value
type Key[T any] struct {
	name          string
	lastWriteWins bool
	rating        rating // of T
	merge         func(base, mine, theirs T) T
	older         []func(Codec, txn.Value) (T, error) // decode values of earlier types
}

// NewKey returns the key of that name. It panics if name is empty or if no value of type
// T can be stored and read back. Such types are a func, a chan, an interface with methods
// such as error, a struct without an exported field, a struct that embeds a pointer to an
// unexported struct, and a type that contains one of these.
func NewKey[T any](name string) Key[T] {
	if name == "" {
		panic("session: NewKey with an empty name")
	}
	if err := storable(reflect.TypeFor[T]()); err != nil {
		panic(fmt.Sprintf("session: NewKey[%s](%q): %v", reflect.TypeFor[T](), name, err))
	}
	return Key[T]{name: name, rating: rate(reflect.TypeFor[T]()).rating}
}

// MergeWith returns k with a three-way merge. If this request and a parallel one have
// both set the key, fn returns one value for the key, given the value that this request
// started from, its own value and the other request's. MergeWith avoids the conflict at
// LevelMerge only, and not when either request has deleted the key. fn may run several
// times and must not use the session.
func (k Key[T]) MergeWith(fn func(base, mine, theirs T) T) Key[T] {
	k.merge = fn
	return k
}

// LastWriteWins returns k for values that may be lost, such as the text of a flash
// message. Reading the key does not count as a read, so changing it conflicts at
// LevelStrict only.
func (k Key[T]) LastWriteWins() Key[T] {
	k.lastWriteWins = true
	return k
}

// Upgrade returns k with a decoder for values of the type that the key had before. A
// stored value that does not decode into T, but does into Old, is converted by convert.
// For several earlier types call Upgrade for each; they are tried in that order. The
// stored value changes when the key is set or updated, not when it is read. convert must
// not use the session. Upgrade panics if no value of type Old can be stored, as NewKey
// does.
//
//	var cart = session.Upgrade(session.NewKey[Cart]("cart"), func(items []string) Cart {
//		return Cart{Items: items}
//	})
//
// A struct decodes into any other struct: fields are matched by name, those without a
// match are left zero, and convert is not called. See "Values whose type changes" in the
// package documentation.
func Upgrade[T, Old any](k Key[T], convert func(Old) T) Key[T] {
	if err := storable(reflect.TypeFor[Old]()); err != nil {
		panic(fmt.Sprintf("session: Upgrade of key %q from %s: %v", k.name, reflect.TypeFor[Old](), err))
	}
	k.older = append(slices.Clip(k.older), func(codec Codec, v txn.Value) (value T, err error) {
		var old Old
		if err := unmarshal(codec, v, &old); err != nil {
			return value, err
		}
		return convert(old), nil
	})
	return k
}

// Get returns the value and whether there is one. A stored value that decodes neither
// into T nor into a type given to Upgrade is logged and reads as absent. It stays stored
// until it is overwritten.
func (k Key[T]) Get(s *Session) (T, bool) {
	k.check()
	if s.readsNothing(k.name, k.lastWriteWins) {
		var zero T
		return zero, false
	}
	v, format := s.transaction().Get(k.name, k.lastWriteWins)
	return k.decode(s, v, format)
}

// Pop returns the value and deletes it. It is for values that must be used only once,
// such as an OAuth state: of two parallel requests one gets the value and the other
// conflicts. HandlerFunc does not run a handler again after a Pop. After the request Pop
// deletes nothing and reports that there is no value.
//
// In a HEAD request, which http.ServeMux routes to the handlers of GET, Pop deletes
// nothing. For a key with LastWriteWins, such as a flash message, it returns the value
// that a GET would get. For any other key it reports that there is no value, so that a
// HEAD request does not use up a value that must be used once.
func (k Key[T]) Pop(s *Session) (zero T, ok bool) {
	tx := k.in(s)
	for {
		v, format := tx.Get(k.name, k.lastWriteWins)
		value, ok := k.decode(s, v, format)
		switch {
		case !ok:
			return zero, false
		case s.isHEAD() && k.lastWriteWins:
			return value, true
		case s.isHEAD():
			return zero, false
		}
		taken, outrun := tx.Pop(k.name, v, k.lastWriteWins)
		switch {
		case taken:
			return value, true
		case !outrun:
			return zero, false
		}
	}
}

// Set sets the key to an encoded copy of value: later changes to value have no effect. If
// the value cannot be encoded, or would differ after decoding, the commit fails with
// ErrEncode and Get keeps returning the old value.
func (k Key[T]) Set(s *Session, value T) {
	tx := k.in(s)
	v, err := k.encode(s, &value)
	if err != nil {
		tx.FailEncoding("Set", k.name, err)
		return
	}
	tx.Set(k.name, v, k.lastWriteWins, k.threeWay(s))
}

// GetOrSet returns the value. If there is none that decodes, it sets the key to the
// result of fn and returns that. It is for values that are created once and used in the
// response, such as a CSRF token: the value that it returns is the one that is stored
// when the response is sent.
//
// If a parallel request has set the key in the meantime, that is therefore a conflict,
// even for a key with MergeWith or LastWriteWins. Then the handler runs again and
// GetOrSet returns the other request's value: in [Manager.HandlerFunc] if the request is
// safe, in [Manager.Replay] always, also inside of [Manager.Handler], which by itself
// runs nothing twice. In [Session.Update] the closure runs again. Elsewhere the response
// is 409. A value that already exists is read as by Get. Parallel first requests of a
// visitor without a cookie each begin a session, with a value of its own.
//
// fn may use the session, but must not set the key. After the request fn does not run,
// and GetOrSet returns the existing value, or the zero value.
func (k Key[T]) GetOrSet(s *Session, fn func() T) T {
	tx := k.in(s)
	for {
		found, format := tx.GetFirm(k.name)
		if value, ok := k.decode(s, found, format); ok {
			return value
		}
		if !tx.Takes("GetOrSet", k.name) {
			var zero T
			return zero
		}
		value := fn()
		mine, err := k.encode(s, &value)
		if err != nil {
			tx.FailEncoding("GetOrSet", k.name, err)
			return value
		}
		if tx.Create(k.name, found, mine) {
			return value
		}
	}
}

// Delete removes the value. Deleting a key without a value changes nothing.
func (k Key[T]) Delete(s *Session) {
	k.in(s).Delete(k.name, k.lastWriteWins)
}

// Update sets the value to the result of fn and returns it. fn gets the value that Get
// would return, or the zero value. If a parallel request has changed the key, fn is
// applied at the commit to the newest value. No change is lost, and an Update alone
// conflicts at LevelStrict only. The returned value is then not the stored one: two
// visitors may see the same count, though both are counted.
//
// fn may run several times. It may read other keys, and must have no other effect than
// its result. After the request fn does not run, and Update returns the zero value.
func (k Key[T]) Update(s *Session, fn func(T) T) T {
	var result T
	k.in(s).Update(k.name, k.lastWriteWins, func(old txn.Value) (v txn.Value, err error) {
		result, v, err = k.apply(s, old, fn)
		return v, err
	}, func(old txn.Value) (txn.Value, error) { // at a rebase, when result may have been read already
		_, v, err := k.apply(s, old, fn)
		return v, err
	})
	return result
}

// in returns the transaction of s, for an operation on k.
func (k Key[T]) in(s *Session) *txn.Txn {
	k.check()
	return s.transaction()
}

func (k Key[T]) check() {
	if k.name == "" {
		panic("session: use of a Key that NewKey has not made")
	}
}

func (k Key[T]) apply(s *Session, old txn.Value, fn func(T) T) (value T, v txn.Value, err error) {
	value, _ = k.decode(s, old, s.transaction().Format())
	value = fn(value)
	v, err = k.encode(s, &value)
	return value, v, err
}

// decode returns the value of v. A value that does not decode is absent and is logged.
func (k Key[T]) decode(s *Session, v txn.Value, format string) (zero T, ok bool) {
	if !v.Present {
		return zero, false
	}
	value, ok := k.read(s.m.codec(format), v)
	if !ok {
		s.logUndecodable(k.name, reflect.TypeFor[T]())
		return zero, false
	}
	return value, true
}

// read returns the value of v, which has the key's type or an earlier one.
func (k Key[T]) read(codec Codec, v txn.Value) (T, bool) {
	if codec == CBOR() {
		if value, ok := decodeBasic[T](v); ok {
			return value, true
		}
	}
	return k.readAny(codec, v)
}

// readAny is read for a value of any type.
func (k Key[T]) readAny(codec Codec, v txn.Value) (value T, ok bool) {
	if unmarshal(codec, v, &value) == nil {
		return value, true
	}
	for _, decode := range k.older {
		if value, err := decode(codec, v); err == nil {
			return value, true
		}
	}
	return value, false
}

// unmarshal decodes a stored value. The program's own types and codecs get a copy of the
// data: if one of them keeps or changes it, against the rules, the stored value must not
// change.
func unmarshal[T any](codec Codec, v txn.Value, value *T) error {
	data := v.Bytes()
	if !builtin(codec) || !basic(reflect.TypeFor[T]()) {
		data = bytes.Clone(data)
	}
	return codec.Unmarshal(data, value)
}

func (k Key[T]) encodeError(err error) error {
	return fmt.Errorf("%w: key %q of type %s: %w", ErrEncode, k.name, reflect.TypeFor[T](), err)
}

// threeWay adapts the key's merge to encoded values.
func (k Key[T]) threeWay(s *Session) *txn.Merge {
	if k.merge == nil {
		return nil
	}
	return &txn.Merge{Merge: func(base, mine, theirs txn.Value) (txn.Value, error) {
		format := s.transaction().Format()
		other, ok := k.decode(s, theirs, format)
		if !ok { // as if the other side had deleted it
			return mine, nil
		}
		began, _ := k.decode(s, base, format)
		own, _ := k.decode(s, mine, format)
		merged := k.merge(began, own, other)
		return k.encode(s, &merged)
	}, Decodes: func(format string, theirs txn.Value) bool {
		_, ok := k.read(s.m.codec(format), theirs)
		return ok
	}}
}

// logUndecodable omits the decoder's error, because it may quote the value.
func (s *Session) logUndecodable(key string, t reflect.Type) {
	observer := s.m.engine.Observer
	event := observer.Begin(observe.Undecodable)
	event.PublicID, event.Key = s.PublicID(), key
	event.Err = fmt.Errorf("session: the value of key %q does not decode into %s", key, t)
	observer.End(s.req.Context(), event)
	s.m.cfg.Logger.Error("session: stored value does not decode and reads as absent",
		slog.String("public_id", s.PublicID()), slog.String("key", key), slog.String("type", t.String()))
}
