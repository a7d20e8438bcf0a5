package etcd_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

// fillExpired saves n records that have expired, and one that has not.
func fillExpired(t *testing.T, p provider.Provider, client *clientv3.Client, prefix string, n int) (live *provider.Record) {
	t.Helper()
	for range n {
		rec := storetest.NewRecord()
		storetest.Save(t, p, rec, 0, nil)
		expire(t, client, prefix+rec.ID)
	}
	live = storetest.NewRecord()
	storetest.Save(t, p, live, 0, nil)
	return live
}

func purge(t *testing.T, p *etcd.Provider, want int64) {
	t.Helper()
	before := p.PurgeStats()
	if n, err := p.Purge(t.Context()); n != want || err != nil {
		t.Fatalf("Purge: got %d and error %v, want %d", n, err, want)
	}
	if now := p.PurgeStats(); now.Removed-before.Removed != want || !now.Last.After(before.Last) {
		t.Errorf("PurgeStats: got %+v after %+v", now, before)
	}
}

func TestPurgeRemovesTheExpired(t *testing.T) {
	p, client, prefix := store(t)
	purge(t, p, 0)
	const n = etcd.PageSize + etcd.MaxDeletes + 1
	live := fillExpired(t, p, client, prefix, n)
	put(t, client, prefix+"foreign", "value")
	purge(t, p, n)
	storetest.WantRecord(t, p, live)
	if left := count(t, client, prefix); left != 2 {
		t.Errorf("%d keys are left, want 2", left)
	}
	purge(t, p, 0)
}

// A record that is replaced after Purge has read it stays. All others go.
func TestPurgeLeavesWhatHasChanged(t *testing.T) {
	beside, admin, prefix := store(t)
	fillExpired(t, beside, admin, prefix, 11)
	rec := storetest.NewRecord()
	storetest.Save(t, beside, rec, 0, nil)
	expire(t, admin, prefix+rec.ID)
	again := storetest.Next(rec)

	replaced := false
	before := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if strings.HasSuffix(method, "/Txn") && !replaced {
			replaced = true
			storetest.Save(t, beside, again, 0, nil)
		}
		return call(ctx, method, req, reply, cc, opts...)
	}
	client := shared(t, func(cfg *clientv3.Config) {
		cfg.DialOptions = append(cfg.DialOptions, grpc.WithChainUnaryInterceptor(before))
	})
	purge(t, etcd.New(client, etcd.Prefix(prefix)), 11)
	storetest.WantRecord(t, beside, again)
}

func TestPurgeEvery(t *testing.T) {
	p, client, prefix := store(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.PurgeEvery(ctx, time.Millisecond)
	}()
	for i := range int64(2) {
		fillExpired(t, p, client, prefix, 10)
		storetest.Eventually(t, "purged", func() bool { return count(t, client, prefix) == i+1 })
	}
	cancel()
	<-done
}

// A failure is logged, and no reason to stop.
func TestPurgeEveryLogsErrors(t *testing.T) {
	var log lockedBuffer
	client := dial(t, "etcd://"+testserver.FreeAddr(t), impatient)
	p := etcd.New(client, etcd.Logger(slog.New(slog.NewTextHandler(&log, nil))))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.PurgeEvery(ctx, time.Millisecond)
	}()
	storetest.Eventually(t, "logged twice", func() bool { return strings.Count(log.String(), "Purge failed") >= 2 })
	cancel()
	<-done
}

func TestPurgeEveryPanicsWithoutAnInterval(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it does not panic")
		}
	}()
	p, _, _ := store(t)
	p.PurgeEvery(t.Context(), 0)
}
