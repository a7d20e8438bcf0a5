package scsholdfast

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// Iterate calls fn with a context of each session in Store that is alive, until fn
// returns an error, which Iterate returns. Within fn, Destroy ends the session at once,
// and other changes are saved by Commit alone, as in scs. If a value that fn has got was
// changed by a request in the meantime, Commit fails with session.ErrConflict; if the
// session has ended, with session.ErrEnded.
//
// Sessions that begin or end during the iteration may be left out or included. A session
// may come twice if it is changed in the meantime. Iterate takes no storage trip for each
// session. It includes the sessions of every SessionManager with the same Store and type
// of Codec, whatever its Config.Namespace.
//
// Unlike in scs, Token is "", RenewToken and MergeSession fail, and so does Commit after
// SetDeadline with a later deadline. If Store is not a
// [provider.Lister], the error wraps errors.ErrUnsupported; scs panics.
func (s *SessionManager) Iterate(ctx context.Context, fn func(context.Context) error) error {
	c, err := s.core()
	if err != nil {
		return err
	}
	for rec, err := range provider.List(ctx, c.store, "") {
		if err != nil {
			return fmt.Errorf("%w: %w", session.ErrUnavailable, err)
		}
		if rec.Format != c.codec.Name() {
			continue
		}
		info, err := session.Inspect(rec, c.codec)
		if err != nil {
			return err
		}
		if info.Kind != session.KindSession {
			continue
		}
		d := c.listed(info)
		if !time.Now().Before(d.deadline) {
			continue
		}
		if err := fn(context.WithValue(ctx, c.key, d)); err != nil {
			return err
		}
	}
	return nil
}

// listed returns the data of a session that was listed.
func (c *core) listed(info *session.Info) *data {
	v := &listedValues{core: c, publicID: info.PublicID, listed: map[string]encoded{}, read: map[string]bool{}, own: map[string]change{}}
	for _, value := range info.Values {
		v.listed[value.Name] = value.Data
	}
	d := &data{core: c, values: v, opened: true}
	own, ok := v.listed[deadlineName]
	if d.deadline, ok = deadlineOf(own, ok); !ok {
		d.deadline = info.StartedAt.Add(c.lifetime)
	}
	v.ends = d.deadline
	return d
}

// listedValues are the values of a session that Iterate has listed, with the changes that
// fn has made since. Commit applies them to the stored session.
type listedValues struct {
	core     *core
	publicID string
	listed   map[string]encoded // by stored name
	read     map[string]bool    // stored names whose listed value was got
	own      map[string]change  // by stored name
	cleared  bool
	failed   error     // of a value that cannot be encoded
	ends     time.Time // the deadline that was listed
	deadline time.Time // that fn has set; zero: none
}

// change is a change of a key: the new value, or that it was removed.
type change struct {
	value   encoded
	removed bool
}

var _ values = (*listedValues)(nil)

func (v *listedValues) get(key string) (encoded, bool) {
	name := storedName(key)
	if _, changed := v.own[name]; !changed && !v.cleared && !v.core.mayLose(key) {
		v.read[name] = true
	}
	return v.peek(key)
}

func (v *listedValues) peek(key string) (encoded, bool) {
	name := storedName(key)
	if c, changed := v.own[name]; changed {
		return c.value, !c.removed
	}
	val, ok := v.listed[name]
	return val, ok && !v.cleared
}

func (v *listedValues) set(key string, val encoded) { v.own[storedName(key)] = change{value: val} }
func (v *listedValues) remove(key string)           { v.own[storedName(key)] = change{removed: true} }

func (v *listedValues) fail(key string, err error) {
	if v.failed == nil {
		v.failed = fmt.Errorf("%w: key %q: %w", session.ErrEncode, key, err)
	}
}

func (v *listedValues) pop(key string) bool {
	_, ok := v.get(key)
	v.remove(key)
	return ok
}

func (v *listedValues) clear() {
	clear(v.own)
	v.cleared = true
}

func (v *listedValues) keys() []string {
	names := map[string]bool{}
	for name := range v.listed {
		names[name] = !v.cleared
	}
	for name, c := range v.own {
		names[name] = !c.removed
	}
	maps.DeleteFunc(names, func(_ string, present bool) bool { return !present })
	return namesOf(slices.Collect(maps.Keys(names)))
}

func (v *listedValues) setDeadline(t time.Time) {
	if v.deadline = t; t.After(v.ends) && v.failed == nil {
		v.failed = errLaterDeadline
	}
}

var errLaterDeadline = errors.New("scsholdfast: SetDeadline in a context of Iterate with a later deadline: the visitor could not be given the cookie")

// commit applies the changes to the stored session.
func (v *listedValues) commit(ctx context.Context) (string, error) {
	if v.failed != nil {
		return "", v.failed
	}
	err := v.core.manager.Update(ctx, v.publicID, func(s *session.Session) error {
		stored := &requestValues{s, v.core}
		if err := v.unchanged(s); err != nil {
			return err
		}
		if v.cleared {
			stored.clear()
		}
		for name, c := range v.own {
			key := session.NewKey[encoded](name)
			if c.removed {
				key.Delete(s)
				continue
			}
			key.Set(s, c.value)
		}
		if !v.deadline.IsZero() {
			deadlineKey.Set(s, encodeDeadline(v.deadline))
		}
		return nil
	})
	if err == nil {
		v.committed()
	}
	return "", err
}

// unchanged returns ErrConflict if a value that was read has changed.
func (v *listedValues) unchanged(s *session.Session) error {
	for name := range v.read {
		listed, had := v.listed[name]
		now, has := session.NewKey[encoded](name).Get(s)
		if had != has || !bytes.Equal(listed, now) {
			return fmt.Errorf("%w: key %q was changed since Iterate has listed the session", session.ErrConflict, name)
		}
	}
	return nil
}

// committed makes the committed values the listed ones.
func (v *listedValues) committed() {
	if v.cleared {
		clear(v.listed)
	}
	for name, c := range v.own {
		if c.removed {
			delete(v.listed, name)
		} else {
			v.listed[name] = c.value
		}
	}
	clear(v.own)
	v.cleared, v.deadline = false, time.Time{}
}

// destroy ends the session. That it has ended already is the intended result.
func (v *listedValues) destroy(ctx context.Context) error {
	if err := v.core.manager.Revoke(ctx, v.publicID); err != nil && !errors.Is(err, session.ErrEnded) {
		return err
	}
	clear(v.listed)
	clear(v.own)
	return nil
}
