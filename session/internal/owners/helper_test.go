package owners_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	timeout = time.Minute // a machine may stand still for seconds
	day     = 24 * time.Hour

	ann, bob = "ann", "bob"
)

var (
	limits    = records.Lifetimes{IdleTimeout: time.Hour, Lifetime: day, PersistIdleTimeout: 30 * day, PersistLifetime: 30 * day, TouchInterval: 6 * time.Minute}
	errBroken = errors.New("broken connection")
)

// rig is an Index over a provider under watch.
type rig struct {
	*owners.Index
	t     testing.TB
	store *records.Store
	mem   *memory.Provider
	via   *storetest.Store
	log   bytes.Buffer

	mu     sync.Mutex
	events []observe.Event
}

func newRig(t testing.TB, change ...func(*owners.Options)) *rig {
	r := &rig{t: t, mem: memory.New()}
	r.via = &storetest.Store{Provider: r.mem}
	r.store = records.New(r.via, options)
	o := owners.Options{
		ID:        listID,
		Limit:     -1,
		Lifetimes: &limits,
		Logger:    slog.New(slog.NewTextHandler(&r.log, nil)),
		Observer: func(_ context.Context, e observe.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	for _, f := range change {
		f(&o)
	}
	r.Index = owners.New(r.store, o)
	return r
}

var options = records.Options{Timeout: timeout, KnowsFormat: func(string) bool { return true }}

func limit(n int) func(*owners.Options) { return func(o *owners.Options) { o.Limit = n } }

func refuses(o *owners.Options) { o.Refuses = true }

// listOf returns the ID of the record of an owner's index.
func listOf(owner string) string { return "list of " + owner }

// listID returns the ID of the record of a label's index.
func listID(l records.Label) string {
	if l.Name == "" {
		return listOf(l.Value)
	}
	return listOf(l.Name + "=" + l.Value)
}

// The methods of an Index, for an owner.

func (r *rig) Enter(a *records.Access, mine *owners.Entering, id string, next *records.Content, before string) error {
	return r.Index.Enter(a, mine, owners.Session{ID: id, Next: next, Before: before}, records.OwnerLabel(next.Owner))
}

func (r *rig) Remove(a *records.Access, owner, id string) { r.Index.Remove(a, id, session(owner)) }

func (r *rig) Sessions(ctx context.Context, owner string) ([]owners.Member, error) {
	return r.Index.Sessions(ctx, records.OwnerLabel(owner))
}

func (r *rig) RevokeAll(ctx context.Context, owner, known string) error {
	return r.Index.RevokeAll(ctx, records.OwnerLabel(owner), known)
}

// access returns the way to the records for one commit.
func (r *rig) access() *records.Access {
	a := r.store.Access(r.t.Context(), nil)
	return &a
}

// contents

// session returns the first content of a session.
func session(owner string) *records.Content {
	c := records.NewContent("cbor")
	c.Seen, c.Owner = c.Created, owner
	c.Expires = c.Created.Add(100 * day)
	c.EncodeAfter(nil, new(envelope.Entries), nil)
	return c
}

// given returns what follows base with another owner.
func given(base *records.Content, owner string) *records.Content {
	c := records.Follow(base)
	c.Expires, c.Owner = base.Expires, owner
	c.EncodeAfter(base, &base.Entries, nil)
	return c
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
	c, err := records.New(r.mem, options).Fetch(context.Background(), id)
	if err != nil {
		r.t.Error(err)
	}
	return c
}

func (r *rig) lives(id string) bool {
	c := r.get(id)
	return c != nil && !c.Tombstone
}

func (r *rig) wantLive(want bool, ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		if got := r.lives(id); got != want {
			r.t.Errorf("session %q lives: %v, want %v", id, got, want)
		}
	}
}

// entry is one of an index that is written by hand.
type entry struct {
	id     string
	ago    time.Duration // when it was made
	commit int64
	before string
}

// putList stores an index.
func (r *rig) putList(owner string, entries ...entry) {
	r.t.Helper()
	c := records.NewContent(records.OwnerIndexFormat)
	c.Owner, c.Expires = owner, c.Created.Add(500*day)
	var edits []envelope.Edit
	for _, e := range entries {
		value := binary.AppendUvarint(nil, uint64(records.Now().Add(-e.ago).UnixMilli()))
		value = binary.AppendUvarint(value, uint64(e.commit))
		edits = append(edits, envelope.Edit{Name: e.id, Value: append(value, e.before...)})
	}
	c.EncodeAfter(r.get(listOf(owner)), new(envelope.Entries), edits)
	r.put(listOf(owner), c)
}

// listed returns the IDs in an owner's index, sorted, and what each entry holds.
func (r *rig) listed(owner string) (ids []string, values map[string]string) {
	r.t.Helper()
	values = map[string]string{}
	c := r.get(listOf(owner))
	if c == nil {
		return nil, values
	}
	for id, value := range c.Entries.All() {
		ids = append(ids, string(id))
		values[string(id)] = string(value)
	}
	return ids, values
}

func (r *rig) wantListed(owner string, want ...string) {
	r.t.Helper()
	slices.Sort(want)
	if got, _ := r.listed(owner); !slices.Equal(got, want) {
		r.t.Errorf("listed: %q, want %q", got, want)
	}
}

// signIn enters a session and stores it, by a commit of its own.
func (r *rig) signIn(id, owner string) error {
	c := session(owner)
	err := r.Enter(r.access(), new(owners.Entering), id, c, "")
	if err == nil {
		r.put(id, c)
	}
	return err
}

func (r *rig) mustSignIn(owner string, ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		if err := r.signIn(id, owner); err != nil {
			r.t.Errorf("%q: %v", id, err)
		}
		elapse(time.Second)
	}
}

func (r *rig) wantMembers(owner string, want ...string) {
	r.t.Helper()
	members, err := r.Sessions(r.t.Context(), owner)
	if err != nil {
		r.t.Error(err)
	}
	var got []string
	for _, m := range members {
		got = append(got, m.ID)
		if m.Content.Owner != owner {
			r.t.Errorf("session %q is of %q", m.ID, m.Content.Owner)
		}
	}
	if !slices.Equal(got, want) {
		r.t.Errorf("sessions: %q, want %q", got, want)
	}
}

func (r *rig) wantLog(want string) {
	r.t.Helper()
	if got := r.log.String(); want == "" && got != "" || !strings.Contains(got, want) {
		r.t.Errorf("log: %q, want %q in it", got, want)
	}
}

// hooks

// failFetches makes each fetch of these records fail.
func (r *rig) failFetches(err error, ids ...string) {
	r.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		if slices.Contains(ids, id) {
			return nil, err
		}
		return next(ctx, id)
	}
}

// failSaves makes each save of these records fail.
func (r *rig) failSaves(err error, ids ...string) {
	r.via.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if slices.Contains(ids, rec.ID) {
			return err
		}
		return next(ctx, rec, expect)
	}
}

// beforeSave runs fn once, before the next save of that record.
func (r *rig) beforeSave(id string, fn func()) {
	var done atomic.Bool
	r.via.OnSave = func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		if rec.ID == id && !done.Swap(true) {
			fn()
		}
		return next(ctx, rec, expect)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// elapse lets time pass in the bubble.
func elapse(d time.Duration) { time.Sleep(d) }
