package session

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
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
	name   string
	blind  bool
	rating rating // of T
	merge  func(base, mine, theirs T) T
	older  []func(Codec, cell) (T, error) // decode what is of earlier types
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
	k.blind = true
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
	k.older = append(slices.Clip(k.older), func(codec Codec, c cell) (value T, err error) {
		var old Old
		if err := unmarshal(codec, c, &old); err != nil {
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
	c, codec := s.get(k.name, k.blind)
	return k.decode(s, c, codec)
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
	for {
		c, codec := s.get(k.name, k.blind)
		value, ok := k.decode(s, c, codec)
		switch {
		case !ok:
			return zero, false
		case s.isHEAD() && k.blind:
			return value, true
		case s.isHEAD():
			return zero, false
		}
		taken, outrun := s.take(k.name, c, k.blind)
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
	c, err := k.encode(s, &value)
	if err != nil {
		s.failEncoding("Set", k.name, err)
		return
	}
	s.set(k.name, c, k.blind, k.threeWay(s))
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
	for {
		found, codec := s.firm(k.name)
		if value, ok := k.decode(s, found, codec); ok {
			return value
		}
		if !s.takes("GetOrSet", k.name) {
			var zero T
			return zero
		}
		value := fn()
		mine, err := k.encode(s, &value)
		if err != nil {
			s.failEncoding("GetOrSet", k.name, err)
			return value
		}
		if s.create(k.name, found, mine) {
			return value
		}
	}
}

// Delete removes the value.
func (k Key[T]) Delete(s *Session) {
	s.delete(k.name, k.blind)
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
	s.update(k.name, k.blind, func(old cell) (c cell, err error) {
		result, c, err = k.apply(s, old, fn)
		return c, err
	}, func(old cell) (cell, error) { // at a rebase, when result may have been read already
		_, c, err := k.apply(s, old, fn)
		return c, err
	})
	return result
}

func (k Key[T]) apply(s *Session, old cell, fn func(T) T) (value T, c cell, err error) {
	value, _ = k.decode(s, old, s.codec())
	value = fn(value)
	c, err = k.encode(s, &value)
	return value, c, err
}

// decode returns the value of c. One that does not decode is absent, and logged.
func (k Key[T]) decode(s *Session, c cell, codec Codec) (zero T, ok bool) {
	if !c.present {
		return zero, false
	}
	value, ok := k.read(codec, c)
	if !ok {
		s.logUndecodable(k.name, reflect.TypeFor[T]())
		return zero, false
	}
	return value, true
}

// read returns the value of c, which is of the key's type or of an earlier one.
func (k Key[T]) read(codec Codec, c cell) (value T, ok bool) {
	if unmarshal(codec, c, &value) == nil {
		return value, true
	}
	for _, decode := range k.older {
		if value, err := decode(codec, c); err == nil {
			return value, true
		}
	}
	return value, false
}

// unmarshal decodes a stored value. Types and codecs of the program's own get a copy:
// one that keeps or changes it, against the rules, must not change what is stored.
func unmarshal[T any](codec Codec, c cell, value *T) error {
	data := c.bytes()
	if !builtin(codec) || !basic(reflect.TypeFor[T]()) {
		data = bytes.Clone(data)
	}
	return codec.Unmarshal(data, value)
}

func (k Key[T]) encodeError(err error) error {
	return fmt.Errorf("%w: key %q of type %s: %w", ErrEncode, k.name, reflect.TypeFor[T](), err)
}

// threeWay adapts the key's merge to encoded values.
func (k Key[T]) threeWay(s *Session) *merge {
	if k.merge == nil {
		return nil
	}
	return &merge{fn: func(base, mine, theirs cell) (cell, error) {
		codec := s.codec()
		other, ok := k.decode(s, theirs, codec)
		if !ok { // as if the other side had deleted it
			return mine, nil
		}
		began, _ := k.decode(s, base, codec)
		own, _ := k.decode(s, mine, codec)
		merged := k.merge(began, own, other)
		return k.encode(s, &merged)
	}, decodes: func(theirs cell) bool {
		_, ok := k.read(s.state.view.base.codec, theirs)
		return ok
	}}
}
