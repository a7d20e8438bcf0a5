package records_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	id      = "record"
	format  = "cbor"
	timeout = time.Minute // a machine may stand still for seconds
)

var errBroken = errors.New("broken connection")

// rig is a Store over a provider that fails as it is told. Hooks are used up in the
// order of the calls.
type rig struct {
	*records.Store
	t   testing.TB
	mem *memory.Provider
	via *storetest.Store

	mu      sync.Mutex
	onSave  []saveHook
	onFetch []fetchHook
	sent    []saving // every save
	late    []saving // those that arrive after the next fetch
}

// saving is one call of Save.
type saving struct {
	ctx    context.Context
	rec    *provider.Record
	expect int64
	next   storetest.SaveFunc
}

func (s saving) send() error { return s.next(s.ctx, s.rec, s.expect) }

type (
	saveHook  func(r *rig, s saving) error
	fetchHook func(ctx context.Context) error // nil: the fetch goes on
)

func newRig(t testing.TB) *rig {
	r := &rig{t: t, mem: memory.New()}
	r.via = &storetest.Store{Provider: r.mem, OnSave: r.save, OnFetch: r.fetch}
	r.Store = records.New(r.via, options(timeout))
	return r
}

func options(timeout time.Duration) records.Options {
	return records.Options{Timeout: timeout, KnowsFormat: func(f string) bool { return f == format }}
}

func (r *rig) save(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	s := saving{ctx, rec.Clone(), expect, next}
	r.mu.Lock()
	r.sent = append(r.sent, s)
	hook := shift(&r.onSave)
	r.mu.Unlock()
	if hook == nil {
		hook = pass
	}
	return hook(r, s)
}

func (r *rig) fetch(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
	r.mu.Lock()
	hook := shift(&r.onFetch)
	r.mu.Unlock()
	if hook != nil {
		if err := hook(ctx); err != nil {
			return nil, err
		}
	}
	rec, err := next(ctx, id)
	r.mu.Lock()
	late := r.late
	r.late = nil
	r.mu.Unlock()
	for _, s := range late {
		_ = s.next(context.WithoutCancel(s.ctx), s.rec, s.expect)
	}
	return rec, err
}

func shift[T any](s *[]T) (first T) {
	if len(*s) > 0 {
		first, *s = (*s)[0], (*s)[1:]
	}
	return first
}

// faults

// pass is none.
func pass(_ *rig, s saving) error { return s.send() }

// landed is a save whose answer is lost.
func landed(_ *rig, s saving) error {
	if err := s.send(); err != nil {
		return err
	}
	return errBroken
}

// dropped is a save that is lost itself.
func dropped(*rig, saving) error { return errBroken }

// late is a save that fails, and arrives after the next fetch.
func late(r *rig, s saving) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late = append(r.late, s)
	return errBroken
}

// hanging is a save that gets no answer.
func hanging(_ *rig, s saving) error {
	<-s.ctx.Done()
	return s.ctx.Err()
}

// failing is a call that fails with err.
func failing(err error) saveHook { return func(*rig, saving) error { return err } }

// bare is a conflict that does not bring what is there.
func bare(_ *rig, s saving) error {
	if s.send() != nil {
		return provider.ErrVersionConflict
	}
	return nil
}

// before runs fn before the save reaches the store.
func before(fn func(r *rig), hook saveHook) saveHook {
	return func(r *rig, s saving) error {
		fn(r)
		return hook(r, s)
	}
}

// after runs fn before the caller hears of the save.
func after(hook saveHook, fn func(r *rig)) saveHook {
	return func(r *rig, s saving) error {
		defer fn(r)
		return hook(r, s)
	}
}

// rivals saves n changes of others.
func rivals(n int) func(r *rig) {
	return func(r *rig) {
		for range n {
			r.put(id, edited(r.get(id), "theirs"))
		}
	}
}

func erase(r *rig) {
	if err := r.mem.Delete(context.Background(), id); err != nil {
		r.t.Error(err)
	}
}

// put stores c, unseen by hooks and counters.
func (r *rig) put(id string, c *records.Content) {
	r.t.Helper()
	if err := r.mem.Save(context.Background(), c.Record(id), -1); err != nil {
		r.t.Error(err)
	}
}

// get returns what is stored, unseen.
func (r *rig) get(id string) *records.Content {
	r.t.Helper()
	c, err := records.New(r.mem, options(timeout)).Fetch(context.Background(), id)
	if err != nil {
		r.t.Error(err)
	}
	return c
}

func (r *rig) wantStored(id, want string) {
	r.t.Helper()
	if got := text(r.get(id)); got != want {
		r.t.Errorf("stored: %q, want %q", got, want)
	}
}

func (r *rig) wantCalls(saves, fetches int64) {
	r.t.Helper()
	if s, f := r.via.Saves.Load(), r.via.Fetches.Load(); s != saves || f != fetches {
		r.t.Errorf("%d saves and %d fetches, want %d and %d", s, f, saves, fetches)
	}
}

// contents

// content returns that of a new session with one value.
func content(value string) *records.Content {
	c := records.NewContent(format)
	c.Seen = c.Created
	c.Expires = c.Created.Add(time.Hour)
	c.EncodeAfter(nil, new(envelope.Entries), edits(value))
	return c
}

// edited returns what follows base with another value.
func edited(base *records.Content, value string) *records.Content {
	c := records.Follow(base)
	c.Expires = base.Expires
	c.EncodeAfter(base, &base.Entries, edits(value))
	return c
}

func edits(value string) []envelope.Edit {
	return []envelope.Edit{{Name: "value", Value: []byte(value)}}
}

// text returns the value of c, or what c is if it is no session.
func text(c *records.Content) string {
	switch {
	case c == nil:
		return "nothing"
	case c.Tombstone:
		return "tombstone"
	}
	value, _ := c.Entries.Find("value")
	return string(value)
}

// checks

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// wantIdentical checks that all saves were the same.
func wantIdentical(t testing.TB, all []saving) {
	t.Helper()
	first := all[0]
	if slices.ContainsFunc(all, func(s saving) bool {
		return s.expect != first.expect || s.rec.Version != first.rec.Version || !bytes.Equal(s.rec.Data, first.rec.Data) || !s.rec.ExpiresAt.Equal(first.rec.ExpiresAt)
	}) {
		t.Error("what was sent again was not the same")
	}
}

// elapse lets time pass in the bubble.
func elapse(d time.Duration) { time.Sleep(d) }
