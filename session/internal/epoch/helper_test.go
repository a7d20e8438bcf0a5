package epoch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session/internal/epoch"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

const (
	recordID = "epoch"
	maxAge   = 10 * time.Second
	timeout  = 4 * time.Second
)

var errBroken = errors.New("broken connection")

// instance is one process's view, with its way into the store and its log.
type instance struct {
	*epoch.Epochs
	t     testing.TB
	mem   provider.Provider
	via   *storetest.Store
	later atomic.Int64 // how often a later epoch was learned

	mu  sync.Mutex
	log bytes.Buffer
}

// Write collects the log.
func (in *instance) Write(line []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.log.Write(line)
}

func newInstance(t testing.TB, mem provider.Provider) *instance {
	in := &instance{t: t, mem: mem, via: &storetest.Store{Provider: mem}}
	in.Epochs = epoch.New(records.New(in.via, records.Options{Timeout: timeout}), epoch.Options{
		ID:     recordID,
		MaxAge: maxAge,
		Look:   func() { in.later.Add(1) },
		Logger: slog.New(slog.NewTextHandler(in, nil)),
	})
	return in
}

// advance begins a new epoch, and returns its number.
func (in *instance) advance() int64 {
	in.t.Helper()
	n, _, err := in.Advance(in.t.Context())
	if err != nil {
		in.t.Errorf("Advance: %v", err)
	}
	return n
}

// wantKnown checks the epoch that the instance knows after Current.
func (in *instance) wantKnown(want int64) {
	in.t.Helper()
	if err := in.Current(in.t.Context()); err != nil {
		in.t.Errorf("Current: %v", err)
	}
	if got := in.Known(); got != want {
		in.t.Errorf("epoch %d; want %d", got, want)
	}
}

// wantReads checks how many reads have reached the store since the last call.
func (in *instance) wantReads(want int64) {
	in.t.Helper()
	synctest.Wait()
	if got := in.via.Fetches.Swap(0); got != want {
		in.t.Errorf("%d reads; want %d", got, want)
	}
}

// wantLog checks whether the log has that text.
func (in *instance) wantLog(want string, has bool) {
	in.t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	if got := in.log.String(); bytes.Contains([]byte(got), []byte(want)) != has {
		in.t.Errorf("log %q; %q in it: want %t", got, want, has)
	}
}

// fail makes each read and save fail; nil heals the store.
func (in *instance) fail(err error) {
	in.via.OnFetch, in.via.OnSave = nil, nil
	if err == nil {
		return
	}
	in.via.OnFetch = func(context.Context, string, storetest.FetchFunc) (*provider.Record, error) { return nil, err }
	in.via.OnSave = func(context.Context, *provider.Record, int64, storetest.SaveFunc) error { return err }
}

// slow makes each read take that long before and after it is done.
func (in *instance) slow(before, after time.Duration) {
	in.via.OnFetch = func(ctx context.Context, id string, next storetest.FetchFunc) (*provider.Record, error) {
		time.Sleep(before)
		defer time.Sleep(after)
		return next(ctx, id)
	}
}

// lose deletes the record.
func (in *instance) lose() {
	in.t.Helper()
	if err := in.mem.Delete(in.t.Context(), recordID); err != nil {
		in.t.Error(err)
	}
}

// stored returns the epoch in the store.
func (in *instance) stored() int64 {
	in.t.Helper()
	rec, err := in.mem.Fetch(in.t.Context(), recordID)
	if errors.Is(err, provider.ErrNotFound) {
		return 0
	}
	if err != nil {
		in.t.Fatal(err)
	}
	n, _, err := epoch.Decode(rec.Data)
	if err != nil {
		in.t.Error(err)
	}
	return n
}

func bubble(t *testing.T, rule string, fn func(t *testing.T)) {
	t.Helper()
	t.Run(rule, func(t *testing.T) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			t.Helper()
			fn(t)
			synctest.Wait()
		})
	})
}

func store() provider.Provider { return memory.New() }
