package gorillaholdfast

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-go/holdfast/session"
)

// change is what a Save changes of one key.
type change struct {
	name    string
	deleted bool
	item    item // unless deleted

	flash       bool // the lists of messages are merged
	began, mine []any
}

// diff returns what has changed in values since base, and the size of all values.
func (st *state) diff(base map[string]item, values map[any]any) (changes []change, size int, err error) {
	names := make(map[string]bool, len(values))
	for key, value := range values {
		name, isString, err := nameOf(key)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", session.ErrEncode, err)
		}
		if names[name] {
			return nil, 0, fmt.Errorf("%w: two keys of Values are both %s", session.ErrEncode, name)
		}
		names[name] = true
		stored := value
		if !isString {
			stored = keyed{key, value}
		}
		was, known := base[name]
		if known && isString && was.value != nil && was.value == value {
			size += len(name) + len(was.data)
			continue
		}
		c, err := st.changed(name, stored, was.data)
		if err != nil {
			return nil, 0, err
		}
		size += len(name) + len(c.item.data)
		if !known || was.undecodable || !same(was.data, c.item.data) {
			changes = append(changes, c)
		}
	}
	for name, was := range base {
		switch {
		case names[name]:
		case was.undecodable, st.store.flashes[name] && bytes.Equal(was.data, none):
			size += len(name) + len(was.data)
		default:
			began := messages(was.data)
			changes = append(changes, change{name: name, deleted: true, flash: st.store.flashes[name] && began != nil, began: began})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return strings.Compare(a.name, b.name) })
	return changes, size, nil
}

// changed returns the change of a key to stored.
func (st *state) changed(name string, stored any, was encoded) (change, error) {
	data, err := encode(stored)
	if err != nil {
		return change{}, fmt.Errorf("%w: key %q of type %T: %w", session.ErrEncode, name, stored, err)
	}
	if _, err := decode(data); err != nil {
		return change{}, fmt.Errorf("%w: key %q of type %T: it does not decode: %w", session.ErrEncode, name, stored, err)
	}
	c := change{name: name, item: newItem(data, stored)}
	if _, list := stored.([]any); list && st.store.flashes[name] {
		c.flash, c.began, c.mine = true, messages(was), messages(data)
	}
	return c, nil
}

// apply makes the changes in s, which is the session that base was read from.
func (st *state) apply(s *session.Session, changes []change) error {
	for _, c := range changes {
		key := rawKey(c.name)
		if st.unseen[c.name] && !c.flash && !st.store.mayBeLost(c.name) {
			return conflict(c.name)
		}
		switch _, known := st.base[c.name]; {
		case c.flash:
			key.Update(s, func(theirs encoded) encoded {
				data, err := encodeFlashes(mergeFlashes(c.began, c.mine, messages(theirs)))
				if err != nil { // all of them were encoded before
					return theirs
				}
				return data
			})
		case c.deleted:
			key.Delete(s)
		default:
			if !known && !st.store.mayBeLost(c.name) {
				theirs, there := key.Get(s)
				if there && !same(theirs, c.item.data) {
					return conflict(c.name)
				}
			}
			key.Set(s, c.item.data)
		}
	}
	return nil
}

func conflict(name string) error {
	return fmt.Errorf("%w: key %q was set by this request and has changed meanwhile; load the session by Store.New and try again, "+
		"or pass the key to LastWriteWins", session.ErrConflict, name)
}

// settle records that changes are saved.
func (st *state) settle(changes []change) {
	if st.base == nil {
		st.base = map[string]item{}
	}
	for _, c := range changes {
		if c.deleted {
			delete(st.base, c.name)
		} else {
			st.base[c.name] = c.item
		}
	}
}
