package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
	"github.com/holdfast-go/holdfast/session/internal/observe"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	ringID    = "ring"
	rotation  = 30 * 24 * time.Hour
	retention = 24 * time.Hour
	timeout   = time.Minute // a machine may stand still for seconds
)

var errDown = errors.New("store is down")

// instance is one process's ring, with its way into the store and its log.
type instance struct {
	*keyring.Ring
	store *storetest.Store
	log   *bytes.Buffer

	faults []observe.Fault
}

func newInstance(base provider.Provider, change ...func(*keyring.Options)) *instance {
	in := &instance{store: &storetest.Store{Provider: base}, log: new(bytes.Buffer)}
	o := keyring.Options{
		ID:        ringID,
		Rotation:  rotation,
		Retention: retention,
		Logger:    slog.New(slog.NewTextHandler(in.log, nil)),
		Observer:  func(_ context.Context, e observe.Event) { in.faults = append(in.faults, e.Fault) },
	}
	for _, f := range change {
		f(&o)
	}
	in.Ring = keyring.New(records.New(in.store, records.Options{Timeout: timeout}), o)
	return in
}

// elapse lets time pass in the bubble.
func elapse(d time.Duration) { time.Sleep(d) }

func mustSign(t *testing.T, in *instance) (*keyring.Snapshot, keyring.Key) {
	t.Helper()
	snap, i, err := in.Signing(t.Context())
	if err != nil {
		t.Fatalf("Signing: %v", err)
	}
	return snap, snap.Keys[i]
}

func mustVerify(t *testing.T, in *instance) *keyring.Snapshot {
	t.Helper()
	snap, err := in.Verifying(t.Context())
	if err != nil {
		t.Fatalf("Verifying: %v", err)
	}
	return snap
}

// stored returns the record, nil if there is none.
func stored(t *testing.T, p provider.Provider) *provider.Record {
	t.Helper()
	rec, err := p.Fetch(t.Context(), ringID)
	if errors.Is(err, provider.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	return rec
}

func storedKeys(t *testing.T, p provider.Provider) []keyring.Key {
	t.Helper()
	rec := stored(t, p)
	if rec == nil {
		return nil
	}
	keys, err := keyring.Decode(rec.Data)
	if err != nil {
		t.Fatalf("stored ring: %v", err)
	}
	return keys
}

// put stores a ring by hand. Its keys, newest first, begin to sign at the given
// times from now.
func put(t *testing.T, p provider.Provider, from ...time.Duration) []keyring.Key {
	t.Helper()
	var keys []keyring.Key
	for i, d := range from {
		secret := bytes.Repeat([]byte{byte(i + 1)}, 32)
		keys = append(keys, keyring.Key{Secret: secret, From: time.Now().Add(d)})
	}
	putRecord(t, p, keyring.Format, keyring.Encode(keys))
	return keys
}

func putRecord(t *testing.T, p provider.Provider, format string, data []byte) {
	t.Helper()
	rec := &provider.Record{ID: ringID, Version: 1<<32 | 7, Format: format, Data: data}
	if old := stored(t, p); old != nil {
		rec.Version = old.Version + 1<<32
	}
	if err := p.Save(t.Context(), rec, -1); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

func remove(t *testing.T, p provider.Provider) {
	t.Helper()
	if err := p.Delete(t.Context(), ringID); err != nil {
		t.Fatalf("Delete: %v", err)
	}
}

func same(a, b keyring.Key) bool { return bytes.Equal(a.Secret, b.Secret) && a.From.Equal(b.From) }

func has(s *keyring.Snapshot, k keyring.Key) bool {
	if s == nil {
		return false
	}
	for _, have := range s.Keys {
		if same(have, k) {
			return true
		}
	}
	return false
}

func wantTrips(t *testing.T, in *instance, want int64) {
	t.Helper()
	if got := in.store.Trips(); got != want {
		t.Errorf("storage trips: %d, want %d", got, want)
	}
}

func wantLog(t *testing.T, in *instance, want string) {
	t.Helper()
	if got := in.log.String(); !strings.Contains(got, want) {
		t.Errorf("log: %q, want %q in it", got, want)
	}
}
