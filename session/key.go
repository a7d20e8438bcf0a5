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

// Key names a value of type T in a session. It is a cheap value without state:
// declare it once, as a package variable, and use it with every Session.
//
//	var cart = session.NewKey[[]Item]("cart")
//
// Values are stored encoded (see [Config].Codec), each by itself. What Get
// returns is the caller's own: changing it changes nothing until Set.
//
// Unexported fields are not stored. A struct that embeds a type with methods to
// encode itself, such as a time.Time, has these methods, too, and is stored as
// that one field. A value in a field of type any comes back as the type that the
// codec decodes it into: a struct as a map[string]any.
//
// The verbs differ in what happens when a parallel request has changed the key,
// at LevelMerge:
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
	older         []func(Codec, txn.Value) (T, error) // decode what is of earlier types
}

// NewKey returns the key of that name. It panics if name is empty or if no value
// of type T can be stored and read back: a func, a chan, an interface with methods
// such as error, a struct without an exported field, one that embeds a pointer to
// an unexported struct, or a type that has one of these in it.
func NewKey[T any](name string) Key[T] {
	if name == "" {
		panic("session: NewKey with an empty name")
	}
	if err := storable(reflect.TypeFor[T]()); err != nil {
		panic(fmt.Sprintf("session: NewKey[%s](%q): %v", reflect.TypeFor[T](), name, err))
	}
	return Key[T]{name: name, rating: rate(reflect.TypeFor[T]()).rating}
}

// MergeWith returns k with a three-way merge: where this request and a parallel
// one have both set the key, fn makes one value of the one this request began
// with, its own and the other's. It keeps the key from conflicting at
// LevelMerge, not when one side has deleted it, nor at the other levels. fn may
// run several times and must not use the session.
func (k Key[T]) MergeWith(fn func(base, mine, theirs T) T) Key[T] {
	k.merge = fn
	return k
}

// LastWriteWins returns k for values that may be lost, such as the text of a
// flash message: reading the key counts as not reading it, so that changing it
// conflicts at LevelStrict only.
func (k Key[T]) LastWriteWins() Key[T] {
	k.lastWriteWins = true
	return k
}

// Upgrade returns k with a decoder for values of the type that the key had before:
// a stored value that does not decode into T, but does into Old, is what convert
// makes of it. For several earlier types call Upgrade for each; they are tried in
// that order. What is stored changes when the key is set or updated, not when it is
// read. convert must not use the session.
//
//	var cart = session.Upgrade(session.NewKey[Cart]("cart"), func(items []string) Cart {
//		return Cart{Items: items}
//	})
//
// A struct decodes into any other struct: fields are matched by name, those without a
// match are left zero, and convert is not called. See "Values whose type changes" in
// the package documentation.
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

// Get returns the value, and whether there is one. A stored value that does not
// decode into T, nor into a type that Upgrade has named, is logged and reads as
// absent; it is kept until overwritten.
func (k Key[T]) Get(s *Session) (T, bool) {
	v, format := k.in(s).Get(k.name, k.lastWriteWins)
	return k.decode(s, v, format)
}

// Pop returns the value and deletes it. It is for what must be used once, such
// as an OAuth state: of two parallel requests one gets it and the other
// conflicts, also in HandlerFunc, which does not run again what has popped. After the
// request nothing is taken, and Pop reports that there is no value.
//
// A HEAD request, which http.ServeMux routes to the handlers of GET, takes nothing.
// There Pop of a key that is LastWriteWins, such as a flash message, returns what the
// GET would. Pop of any other key returns no value: what must be used once is not used
// by a HEAD.
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

// Set sets the value as it is now: what becomes of it after makes no difference.
// One that cannot be encoded, or that would not be the same once it is decoded,
// fails the commit with ErrEncode, and Get keeps the old value.
func (k Key[T]) Set(s *Session, value T) {
	tx := k.in(s)
	v, err := k.encode(s, &value)
	if err != nil {
		tx.FailEncoding("Set", k.name, err)
		return
	}
	tx.Set(k.name, v, k.lastWriteWins, k.threeWay(s))
}

// GetOrSet returns the value or, if there is none that decodes, sets it to what fn
// makes, and returns that. It is for what is made once and used in the response, such
// as a CSRF token: what it has set is what is stored when the response goes out.
//
// So if a parallel request has set the key meanwhile, that is a conflict, also of a
// key with MergeWith or LastWriteWins. In [Manager.HandlerFunc] a safe request runs
// again then, in [Manager.Replay] any, and GetOrSet returns what the other has set;
// also inside of [Manager.Handler], which by itself runs nothing twice. In
// [Session.Update] the closure runs again. Elsewhere the answer is 409. A value that
// was there is read as by Get. Parallel first requests of a visitor without a cookie
// each begin a session, with a value of its own.
//
// fn may use the session, but must not set the key. After the request it does not run,
// and GetOrSet returns the value that is there, or the zero value.
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

// Delete removes the value.
func (k Key[T]) Delete(s *Session) {
	k.in(s).Delete(k.name, k.lastWriteWins)
}

// Update sets the value to what fn makes of it, the zero value if there is
// none that Get would return, and returns the new value. When a parallel request has changed the key,
// fn is applied to the newest value at the commit: no change is lost, and an
// Update alone conflicts at LevelStrict only. What was returned is then not what
// is stored: two visitors may be told the same count, though both are counted.
//
// fn may run several times. It may read other keys, and must change nothing but
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
	if k.name == "" {
		panic("session: use of a Key that NewKey has not made")
	}
	return s.transaction()
}

func (k Key[T]) apply(s *Session, old txn.Value, fn func(T) T) (value T, v txn.Value, err error) {
	value, _ = k.decode(s, old, s.tx.Format())
	value = fn(value)
	v, err = k.encode(s, &value)
	return value, v, err
}

// decode returns the value of v. One that does not decode is absent, and logged.
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

// read returns the value of v, which is of the key's type or of an earlier one.
func (k Key[T]) read(codec Codec, v txn.Value) (value T, ok bool) {
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

// unmarshal decodes a stored value. Types and codecs of the program's own get a copy:
// one that keeps or changes it, against the rules, must not change what is stored.
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
		format := s.tx.Format()
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

// logUndecodable leaves out what the decoder says: it may quote the value.
func (s *Session) logUndecodable(key string, t reflect.Type) {
	observer := s.m.engine.Observer
	event := observer.Begin(observe.Undecodable)
	event.PublicID, event.Key = s.PublicID(), key
	event.Err = fmt.Errorf("session: the value of key %q does not decode into %s", key, t)
	observer.End(s.req.Context(), event)
	s.m.cfg.Logger.Error("session: stored value does not decode and reads as absent",
		slog.String("public_id", s.PublicID()), slog.String("key", key), slog.String("type", t.String()))
}
