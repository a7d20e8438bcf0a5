package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

// An outcome is how certain an error is.
type outcome struct{ notSaved, refused bool }

var (
	inDoubt  = outcome{}
	notSaved = outcome{notSaved: true}
	refused  = outcome{notSaved: true, refused: true}
)

// ends wants changes to end with an error of that outcome.
func ends(t *testing.T, ctx context.Context, p *etcd.Provider, want outcome) {
	t.Helper()
	for name, change := range map[string]func() error{
		"create":    func() error { return p.Save(ctx, storetest.NewRecord(), 0) },
		"update":    func() error { return p.Save(ctx, storetest.NewRecord(), 7) },
		"unchecked": func() error { return p.Save(ctx, storetest.NewRecord(), -1) },
		"delete":    func() error { return p.Delete(ctx, "none") },
	} {
		isOutcome(t, name, change(), want)
	}
}

func isOutcome(t *testing.T, name string, err error, want outcome) {
	t.Helper()
	got := outcome{errors.Is(err, provider.ErrNotSaved), errors.Is(err, provider.ErrRefused)}
	if err == nil || got != want || errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("%s: got %+v, want %+v: %v", name, got, want, err)
	}
}

// A request that was not sent has certainly changed nothing.
func TestUnsentIsNotSaved(t *testing.T) {
	for name, open := range map[string]func(*testing.T) *etcd.Provider{
		"a closed port": func(t *testing.T) *etcd.Provider { return open(t, "etcd://"+testserver.FreeAddr(t)) },
		"a closed client": func(t *testing.T) *etcd.Provider {
			client := shared(t, impatient)
			client.Close()
			return etcd.New(client)
		},
	} {
		t.Run(name, func(t *testing.T) { ends(t, t.Context(), open(t), notSaved) })
	}
}

// A call that gets no connection before its deadline has no time for another attempt.
func TestNotConnectedInTimeIsRefused(t *testing.T) {
	silent := listen(t)
	p := open(t, "etcd://"+silent.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := p.Save(ctx, storetest.NewRecord(), 0)
	isOutcome(t, "Save", err, refused)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want DeadlineExceeded", err)
	}
}

// listen returns a listener that accepts no connection.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// A request that was sent is in doubt until the answer arrives.
func TestSentIsInDoubt(t *testing.T) {
	for name, fail := range map[string]func(s *testserver.Server, cancel func()){
		"the context ends":   func(_ *testserver.Server, cancel func()) { cancel() },
		"the server crashes": func(s *testserver.Server, _ func()) { s.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			server := testserver.Etcd(t)
			p := open(t, server.URL)
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			server.Freeze()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			// The connection is there, so that the request is sent at once.
			time.AfterFunc(50*time.Millisecond, func() { fail(server, cancel) })
			isOutcome(t, "Save", p.Save(ctx, storetest.Next(rec), rec.Version), inDoubt)
		})
	}
}

// An abandoned Save may take effect after it has returned. It is found by its version.
func TestAbandonedSaveMayLandLater(t *testing.T) {
	server := testserver.Etcd(t)
	p := open(t, server.URL)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	server.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	abandoned := storetest.Next(rec)
	isOutcome(t, "Save", p.Save(ctx, abandoned, rec.Version), inDoubt)
	server.Thaw()
	storetest.Save(t, p, abandoned, rec.Version, nil) // whether it has landed or not
	storetest.WantRecord(t, p, abandoned)
	storetest.Save(t, p, storetest.Next(abandoned), rec.Version, provider.ErrVersionConflict)
}

// answering is a server whose answers to transactions are errors.
type answering struct {
	etcdserverpb.UnimplementedKVServer
	err error
}

func (a answering) Txn(context.Context, *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
	return nil, a.err
}

// answer returns a provider over a server that answers with err.
func answer(t *testing.T, err error) *etcd.Provider {
	t.Helper()
	l, listenErr := net.Listen("tcp", "127.0.0.1:0")
	if listenErr != nil {
		t.Fatal(listenErr)
	}
	server := grpc.NewServer()
	etcdserverpb.RegisterKVServer(server, answering{err: err})
	go server.Serve(l)
	t.Cleanup(server.Stop)
	return etcd.New(dial(t, l.Addr().String()))
}

func TestOutcomeOfErrors(t *testing.T) {
	for _, test := range []struct {
		code codes.Code
		text string
		want outcome
	}{
		{codes.ResourceExhausted, "etcdserver: mvcc: database space exceeded", refused},
		{codes.ResourceExhausted, "etcdserver: too many requests", refused},
		{codes.InvalidArgument, "etcdserver: request is too large", refused},
		{codes.PermissionDenied, "etcdserver: permission denied", refused},
		{codes.InvalidArgument, "etcdserver: user name is empty", refused},
		{codes.DataLoss, "etcdserver: corrupt cluster", refused},
		{codes.FailedPrecondition, "etcdserver: rpc not supported for learner", refused},
		{codes.Unavailable, "etcdserver: request timed out", inDoubt},
		{codes.Unavailable, "etcdserver: request timed out, possibly due to previous leader failure", inDoubt},
		{codes.Unavailable, "etcdserver: leader changed", inDoubt},
		{codes.Unavailable, "etcdserver: no leader", inDoubt},
		{codes.Unavailable, "etcdserver: server stopped", inDoubt},
		{codes.Unavailable, "of a proxy", inDoubt},
		{codes.PermissionDenied, "of a proxy", inDoubt},
		{codes.Unknown, "context deadline exceeded", inDoubt},
		{codes.Internal, "", inDoubt},
	} {
		t.Run(fmt.Sprint(test.code, " ", test.text), func(t *testing.T) {
			ends(t, t.Context(), answer(t, status.Error(test.code, test.text)), test.want)
		})
	}
}

// The server notices the end of a call's time, too, and may be the first to do so.
func TestDeadlineOfTheServerIsTheContexts(t *testing.T) {
	for text, want := range map[string]error{"context deadline exceeded": context.DeadlineExceeded, "context canceled": context.Canceled} {
		if err := answer(t, status.Error(codes.Unknown, text)).Save(t.Context(), storetest.NewRecord(), 0); !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", text, err, want)
		}
	}
}

func TestDatabaseWithoutSpaceIsFull(t *testing.T) {
	server := testserver.Etcd(t, "--quota-backend-bytes", "1000000")
	p := open(t, server.URL)
	rec, kept := storetest.NewRecord(), storetest.NewRecord()
	rec.Data = make([]byte, 100_000)
	storetest.Save(t, p, kept, 0, nil)
	var err error
	for n := int64(1); err == nil && n < 100; n++ {
		err = p.Save(t.Context(), storetest.WithVersion(rec, n), -1)
	}
	if !errors.Is(err, provider.ErrFull) || !strings.Contains(err.Error(), "defragment") {
		t.Errorf("got error %v, want ErrFull, and what to do", err)
	}
	isOutcome(t, "Save", err, refused)
	for _, expectVersion := range []int64{0, 1, -1} {
		isOutcome(t, fmt.Sprint("another Save, expecting ", expectVersion), p.Save(t.Context(), storetest.NewRecord(), expectVersion), refused)
	}
	storetest.WantRecord(t, p, kept)
	if err := p.Delete(t.Context(), kept.ID); err != nil {
		t.Errorf("Delete: got error %v, want none", err)
	}
}

func TestTooLarge(t *testing.T) {
	for name, size := range map[string]int{
		"for the server":     1600 << 10,
		"for the client":     3 << 20,
		"for gRPC's message": 2<<20 - 1<<10,
	} {
		t.Run(name, func(t *testing.T) {
			p, _, _ := store(t)
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			large := storetest.Next(rec)
			large.Data = make([]byte, size)
			for _, expectVersion := range []int64{0, rec.Version, -1} {
				isOutcome(t, name, storetest.Save(t, p, large, expectVersion, provider.ErrTooLarge), refused)
			}
			storetest.WantRecord(t, p, rec)
		})
	}
	t.Run("for the server's gRPC", func(t *testing.T) {
		client := shared(t, func(cfg *clientv3.Config) { cfg.MaxCallSendMsgSize = 1 << 30 })
		p := etcd.New(client, etcd.Prefix(newPrefix(t)))
		large := storetest.NewRecord()
		large.Data = make([]byte, 4<<20)
		isOutcome(t, "Save", storetest.Save(t, p, large, 0, provider.ErrTooLarge), refused)
	})
}
