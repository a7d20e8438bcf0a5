package etcd_test

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

// A tap counts the requests that a client sends, also those that it repeats.
type tap struct{ trips atomic.Int64 }

func (tp *tap) watch(cfg *clientv3.Config) {
	cfg.DialOptions = append(cfg.DialOptions, grpc.WithStatsHandler(tp))
}

func (tp *tap) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (tp *tap) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (tp *tap) HandleConn(context.Context, stats.ConnStats)                       {}

func (tp *tap) HandleRPC(_ context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.OutHeader); ok {
		tp.trips.Add(1)
	}
}

func TestTrips(t *testing.T) {
	kept := storetest.NewRecord()
	for _, method := range []struct {
		name  string
		trips int64
		do    func(t *testing.T, p provider.Provider)
	}{
		{"Fetch", 1, func(t *testing.T, p provider.Provider) { storetest.WantRecord(t, p, kept) }},
		{"Fetch of a missing record", 1, func(t *testing.T, p provider.Provider) { storetest.WantNoRecord(t, p, "missing") }},
		{"Save that creates", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, storetest.NewRecord(), 0, nil) }},
		{"Save that replaces", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, kept, kept.Version, nil) }},
		{"Save without a check", 2, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, kept, -1, nil) }},
		{"Save of an earlier attempt", 1, func(t *testing.T, p provider.Provider) { storetest.Save(t, p, kept, 7, nil) }},
		{"Save that conflicts", 1, func(t *testing.T, p provider.Provider) {
			storetest.Save(t, p, storetest.Next(kept), 7, provider.ErrVersionConflict)
		}},
		{"Save of what exists", 1, func(t *testing.T, p provider.Provider) {
			storetest.Save(t, p, storetest.Next(kept), 0, provider.ErrVersionConflict)
		}},
		{"Save of what is missing", 1, func(t *testing.T, p provider.Provider) {
			storetest.Save(t, p, storetest.NewRecord(), 7, provider.ErrVersionConflict)
		}},
		{"Delete", 1, func(t *testing.T, p provider.Provider) {
			if err := p.Delete(t.Context(), "missing"); err != nil {
				t.Error(err)
			}
		}},
		{"List", 1, func(t *testing.T, p provider.Provider) { lists(t, p, kept.ID, kept.ID) }},
	} {
		t.Run(method.name, func(t *testing.T) {
			beside, _, prefix := store(t)
			storetest.Save(t, beside, kept, 0, nil)
			var wire tap
			p := etcd.New(shared(t, wire.watch), etcd.Prefix(prefix))
			for range 3 {
				before := wire.trips.Load()
				method.do(t, p)
				if got := wire.trips.Load() - before; got != method.trips {
					t.Errorf("%d trips, want %d", got, method.trips)
				}
			}
		})
	}
}

func TestTripsOfACreateOverAnExpiredRecord(t *testing.T) {
	beside, client, prefix := store(t)
	rec := storetest.NewRecord()
	storetest.Save(t, beside, rec, 0, nil)
	expire(t, client, prefix+rec.ID)
	var wire tap
	storetest.Save(t, etcd.New(shared(t, wire.watch), etcd.Prefix(prefix)), storetest.Next(rec), 0, nil)
	if got := wire.trips.Load(); got != 2 {
		t.Errorf("%d trips, want 2", got)
	}
}

// lockedBuffer is a buffer for a log.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
