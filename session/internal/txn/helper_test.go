package txn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/envelope"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/txn"
)

const (
	first   = "first" // the session that most tests are about
	format  = "cbor"
	timeout = time.Minute // a machine may stand still for seconds
	day     = 24 * time.Hour
)

var (
	limits    = records.Lifetimes{IdleTimeout: time.Hour, Lifetime: day, PersistIdleTimeout: 30 * day, PersistLifetime: 30 * day, TouchInterval: 6 * time.Minute}
	errBroken = errors.New("broken connection")
	errNo     = errors.New("no")

	levels = map[string]txn.Isolation{"merge": txn.LevelMerge, "serializable": txn.LevelSerializable, "strict": txn.LevelStrict}
)

// world is a store under watch with an Engine over it.
type world struct {
	t   testing.TB
	e   txn.Engine
	mem *memory.Provider
	via *storetest.Store
	log bytes.Buffer

	mu     sync.Mutex
	onSave []saveHook // for the next saves, one each
	events []observe.Event
	tokens int
}

type saveHook func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error

func newWorld(t testing.TB, level txn.Isolation) *world {
	w := &world{t: t, mem: memory.New()}
	w.via = &storetest.Store{Provider: w.mem, OnSave: w.save}
	store := records.New(w.via, options)
	w.e = txn.Engine{
		Records: store, Lifetimes: limits, Isolation: level, MaxSize: 1000, Timeout: timeout, Format: format, NewToken: w.newToken,
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
		Observer: func(_ context.Context, e observe.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	}
	w.e.Owners = owners.New(store, owners.Options{ID: listID, Limit: -1, Lifetimes: &w.e.Lifetimes, Logger: w.e.Logger, Observer: w.e.Observer})
	return w
}

type event = observe.Event

var options = records.Options{Timeout: timeout, KnowsFormat: func(string) bool { return true }}

func listOf(owner string) string { return "list of " + owner }

// listID returns the ID of the record of a label's index.
func listID(l records.Label) string {
	if l.Name == "" {
		return listOf(l.Value)
	}
	return listOf(l.Name + "=" + l.Value)
}

// newToken returns the tokens token-1, token-2 and so on.
func (w *world) newToken() ([]byte, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens++
	return fmt.Appendf(nil, "token-%d", w.tokens), fmt.Sprintf("session-%d", w.tokens)
}

func (w *world) save(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	w.mu.Lock()
	hook := saveHook(pass)
	if len(w.onSave) > 0 {
		hook, w.onSave = w.onSave[0], w.onSave[1:]
	}
	w.mu.Unlock()
	return hook(ctx, rec, expect, next)
}

func pass(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
	return next(ctx, rec, expect)
}

func failing(err error) saveHook {
	return func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return err }
}

// before runs fn before the save reaches the store.
func before(fn func()) saveHook {
	return func(ctx context.Context, rec *provider.Record, expect int64, next storetest.SaveFunc) error {
		fn()
		return next(ctx, rec, expect)
	}
}

// put stores c, unseen by hooks and counters.
func (w *world) put(id string, c *records.Content) {
	w.t.Helper()
	if err := w.mem.Save(context.Background(), c.Record(id), -1); err != nil {
		w.t.Error(err)
	}
}

// get returns what is stored, unseen.
func (w *world) get(id string) *records.Content {
	w.t.Helper()
	c, err := records.New(w.mem, options).Fetch(context.Background(), id)
	if err != nil {
		w.t.Error(err)
	}
	return c
}

func (w *world) erase(id string) {
	w.t.Helper()
	if err := w.mem.Delete(context.Background(), id); err != nil {
		w.t.Error(err)
	}
}

func (w *world) wantStored(id, want string) {
	w.t.Helper()
	if got := text(w.get(id)); got != want {
		w.t.Errorf("stored under %q: %q, want %q", id, got, want)
	}
}

func (w *world) wantSaves(want int64) {
	w.t.Helper()
	if n := w.via.Saves.Load(); n != want {
		w.t.Errorf("%d saves, want %d", n, want)
	}
}

func (w *world) wantLog(want string) {
	w.t.Helper()
	if got := w.log.String(); !strings.Contains(got, want) {
		w.t.Errorf("log: %q, want %q in it", got, want)
	}
}

// ops returns the operations that the Observer was told of.
func (w *world) ops() string {
	var all []string
	for _, e := range w.events {
		all = append(all, fmt.Sprint(e.Op, " ", e.PublicID, " ", e.Attempts, " ", e.Err != nil))
	}
	return strings.Join(all, ", ")
}

// content returns that of a new session: content("a=1 b=1").
func content(values string) *records.Content {
	c := records.NewContent(format)
	c.Seen, c.Expires = c.Created, c.Created.Add(time.Hour)
	var edits []envelope.Edit
	for pair := range strings.FieldsSeq(values) {
		name, value, _ := strings.Cut(pair, "=")
		edits = append(edits, envelope.Edit{Name: name, Value: []byte(value)})
	}
	c.EncodeAfter(nil, new(envelope.Entries), edits)
	return c
}

// owned returns what follows c as the owner's.
func owned(c *records.Content, owner string) *records.Content {
	next := records.Follow(c)
	next.Owner, next.Expires = owner, c.Expires
	next.EncodeAfter(c, &c.Entries, nil)
	return next
}

// text is the reverse of content, or says what c is if it is no session.
func text(c *records.Content) string {
	switch {
	case c == nil:
		return "nothing"
	case c.Tombstone:
		return "tombstone"
	}
	var all []string
	for name, value := range c.Entries.All() {
		all = append(all, string(name)+"="+string(value))
	}
	return strings.Join(all, " ")
}

// request is a txn.Request of fields.
type request struct {
	ctx                                                      context.Context
	headerSent, hasCookie, passive, runsAgain, offersBinding bool
	dropReason                                               string
	signErr                                                  error

	cookies                []string // that were set
	persist                time.Duration
	cleared, clearedOthers int
}

func (r *request) Context() context.Context { return r.ctx }
func (r *request) HeaderSent() bool         { return r.headerSent }
func (r *request) ClearToken()              { r.cleared++ }
func (r *request) ClearOthers()             { r.clearedOthers++ }
func (r *request) NoteDestroy()             { r.clearedOthers++ }
func (r *request) HasToken() bool           { return r.hasCookie }
func (r *request) Passive() bool            { return r.passive }
func (r *request) RunsAgain() bool          { return r.runsAgain }
func (r *request) OffersBinding() bool      { return r.offersBinding }
func (r *request) DropReason() string       { return r.dropReason }

func (r *request) Sign(_ context.Context, token []byte, index uint64) (string, error) {
	if index != 0 {
		return fmt.Sprintf("signed %s, index %d", token, index), r.signErr
	}
	return "signed " + string(token), r.signErr
}

func (r *request) SetToken(value string, persist time.Duration, _ time.Time) {
	r.cookies, r.persist = append(r.cookies, value), persist
}

// visit is a request with its transaction, and short ways to the verbs.
type visit struct {
	txn.Txn
	w   *world
	req *request
}

// visit returns one that comes with the cookie of the session of that ID, or without one
// for "".
func (w *world) visit(id string) *visit {
	w.t.Helper()
	v := &visit{w: w, req: &request{ctx: w.t.Context(), hasCookie: id != ""}}
	w.t.Cleanup(v.LeaveQueue) // which is the process's
	if id == "" {
		v.Begin(&w.e, v.req, nil, "", nil)
		return v
	}
	switch c := w.get(id); {
	case c == nil:
		w.t.Errorf("session %q is not there", id)
	case c.Tombstone:
		v.BeginOver(&w.e, v.req, id, c)
	default:
		v.Begin(&w.e, v.req, []byte("token of "+id), id, c)
	}
	return v
}

// begun returns a world with the session "a=1 b=1", and a visit to it.
func begun(t testing.TB, level txn.Isolation) (*world, *visit) {
	w := newWorld(t, level)
	w.put(first, content("a=1 b=1"))
	return w, w.visit(first)
}

func value(s string) txn.Value { return txn.Value{Data: []byte(s), Present: true} }

func (v *visit) get(key string) string {
	value, _ := v.Get(key, false)
	return string(value.Bytes())
}

func (v *visit) set(key, s string) { v.Set(key, value(s), false, nil) }

// update appends "!" to the value, and calls the closures as well.
func (v *visit) update(key string, closures ...func()) {
	fn := func(old txn.Value) (txn.Value, error) {
		for _, c := range closures {
			c()
		}
		return value(string(old.Bytes()) + "!"), nil
	}
	v.Update(key, false, fn, fn)
}

// getOrSet is Key.GetOrSet.
func (v *visit) getOrSet(key, s string) string {
	for {
		found, _ := v.GetFirm(key)
		if found.Present {
			return string(found.Bytes())
		}
		if !v.Takes("GetOrSet", key) {
			return ""
		}
		if v.Create(key, found, value(s)) {
			return s
		}
	}
}

// pop is Key.Pop.
func (v *visit) pop(key string) bool {
	found, _ := v.Get(key, false)
	if !found.Present {
		return false
	}
	taken, _ := v.Pop(key, found, false)
	return taken
}

// commit is the commit as the response begins.
func (v *visit) commit() error { return v.Commit(v.w.t.Context(), txn.Auto) }

// save is Session.Save.
func (v *visit) save() error { return v.Commit(v.w.t.Context(), txn.Explicit) }

// other is a whole request to the session, in between.
func (w *world) other(fn func(v *visit)) {
	w.t.Helper()
	v := w.visit(first)
	fn(v)
	if err := v.commit(); err != nil {
		w.t.Errorf("the other request: %v", err)
	}
	v.End()
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// bubble is t.Run of a test that lets time pass.
func bubble(t *testing.T, rule string, fn func(t *testing.T)) {
	t.Helper()
	t.Run(rule, func(t *testing.T) {
		t.Helper()
		synctest.Test(t, fn)
	})
}

// elapse lets time pass in the bubble.
func elapse(d time.Duration) { time.Sleep(d) }
