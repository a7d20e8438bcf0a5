package scsholdfast

import (
	"context"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// values are the values of a session and what is done with it: those of a request, or
// those of a record that Iterate has listed.
type values interface {
	get(key string) (encoded, bool)
	peek(key string) (encoded, bool) // is get, but does not count as a read
	set(key string, v encoded)
	fail(key string, err error) // makes the commit fail, because the value of key cannot be encoded
	remove(key string)
	pop(key string) bool // reports whether the value of key was taken
	clear()
	keys() []string
	setDeadline(t time.Time)
	commit(ctx context.Context) (token string, err error)
	destroy(ctx context.Context) error
}

// requestValues are the values of the session of a request.
type requestValues struct {
	session *session.Session
	core    *core
}

var _ values = (*requestValues)(nil)

// key returns the key of that name.
func (c *core) keyOf(name string) session.Key[encoded] {
	k := session.NewKey[encoded](storedName(name))
	if c.mayLose(name) {
		k = k.LastWriteWins()
	}
	return k
}

func (v *requestValues) get(key string) (encoded, bool) { return v.core.keyOf(key).Get(v.session) }
func (v *requestValues) set(key string, val encoded)    { v.core.keyOf(key).Set(v.session, val) }
func (v *requestValues) remove(key string)              { v.core.keyOf(key).Delete(v.session) }

func (v *requestValues) peek(key string) (encoded, bool) {
	return v.core.keyOf(key).LastWriteWins().Get(v.session)
}

func (v *requestValues) fail(key string, err error) {
	session.NewKey[unencodable](storedName(key)).Set(v.session, unencodable(err.Error()))
}

func (v *requestValues) pop(key string) bool {
	_, ok := v.core.keyOf(key).Pop(v.session)
	return ok
}

func (v *requestValues) clear() {
	deadline, ok := deadlineKey.Get(v.session)
	v.session.Clear()
	if ok {
		deadlineKey.Set(v.session, deadline)
	}
}

func (v *requestValues) keys() []string { return namesOf(v.session.Keys()) }

func (v *requestValues) setDeadline(t time.Time) { setDeadline(v.session, t) }

// setDeadline makes s end at t, or when IdleTimeout has passed. The record may end later:
// begin compares the deadline.
func setDeadline(s *session.Session, t time.Time) {
	deadlineKey.Set(s, encodeDeadline(t))
	if left := time.Until(t); left > 0 {
		s.Persist(left)
	}
}

func (v *requestValues) commit(ctx context.Context) (string, error) {
	token, err := v.session.Commit(ctx)
	return token.Value, err
}

func (v *requestValues) destroy(ctx context.Context) error {
	v.session.Destroy()
	_, err := v.session.Commit(ctx)
	return err
}

// A session has no key without a name, and the name of the deadline is taken.
const emptyName = "scsholdfast.empty"

func storedName(key string) string {
	if key == "" {
		return emptyName
	}
	return key
}

// namesOf returns the keys with these stored names, sorted.
func namesOf(stored []string) []string {
	names := make([]string, 0, len(stored))
	for _, name := range stored {
		switch name {
		case deadlineName:
		case emptyName:
			names = append(names, "")
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
