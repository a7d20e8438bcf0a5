package nats_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/nats"
)

func TestCreateBucketConcurrentlyAndAgain(t *testing.T) {
	for name, url := range map[string]string{"one server": testserver.SharedNats(t), "three": testserver.SharedNatsCluster(t)} {
		t.Run(name, func(t *testing.T) {
			js, bucket := dial(t, url), newName()
			var opts []nats.Option
			if name == "three" {
				opts = append(opts, nats.Replicas(3))
			}
			p := nats.New(js, append(opts, nats.Bucket(bucket))...)
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					if err := p.CreateBucket(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			create(t, p)
			storetest.WantRecord(t, p, rec)
			if err := js.DeleteKeyValue(t.Context(), bucket); err != nil {
				t.Error(err)
			}
		})
	}
}

// A cluster may leave requests without an answer. CreateBucket asks again.
func TestCreateBucketAsksAgain(t *testing.T) {
	t.Parallel()
	url, bucket := testserver.SharedNats(t), newName()
	lossy := &lossyDialer{kinds: []string{"STREAM.INFO", "STREAM.CREATE"}}
	js := dial(t, url, natsclient.SetCustomDialer(lossy))
	other := dial(t, url).Conn()
	lost, err := other.SubscribeSync("$XX.API.*.*.KV_" + bucket) // and answers none
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Flush(); err != nil { // the server has the subscription
		t.Fatal(err)
	}
	if err := nats.New(js, nats.Bucket(bucket)).CreateBucket(t.Context()); err != nil {
		t.Error(err)
	}
	for _, kind := range []string{"STREAM.INFO", "STREAM.CREATE"} {
		if m, err := lost.NextMsg(time.Minute); err != nil || !strings.Contains(m.Subject, kind) {
			t.Errorf("got message %v, error %v, want a request %s that is lost", m, err, kind)
		}
	}
	if err := js.DeleteKeyValue(t.Context(), bucket); err != nil {
		t.Error(err)
	}
}

// A lossyDialer makes connections that send the first request of each kind to a subject
// that JetStream does not hear.
type lossyDialer struct{ kinds []string }

func (d *lossyDialer) Dial(network, addr string) (net.Conn, error) {
	conn, err := net.Dial(network, addr)
	return lossyConn{conn, d}, err
}

type lossyConn struct {
	net.Conn
	dialer *lossyDialer
}

func (c lossyConn) Write(p []byte) (int, error) {
	c.dialer.kinds = slices.DeleteFunc(c.dialer.kinds, func(kind string) bool {
		i := bytes.Index(p, []byte("$JS.API."+kind))
		if i < 0 {
			return false
		}
		p = slices.Clone(p)
		copy(p[i:], "$XX")
		return true
	})
	return c.Conn.Write(p)
}

func TestCreateBucketRefusesOthers(t *testing.T) {
	for want, change := range map[string]func(*jetstream.StreamConfig){
		"subjects":             func(cfg *jetstream.StreamConfig) { cfg.Subjects = []string{cfg.Name + ".other"} },
		"allow_msg_ttl":        func(cfg *jetstream.StreamConfig) { cfg.AllowMsgTTL = false },
		"max_age":              func(cfg *jetstream.StreamConfig) { cfg.MaxAge = time.Hour },
		"max_msgs_per_subject": func(cfg *jetstream.StreamConfig) { cfg.MaxMsgsPerSubject = 5 },
		"discard":              func(cfg *jetstream.StreamConfig) { cfg.Discard = jetstream.DiscardOld },
		"allow_direct":         func(cfg *jetstream.StreamConfig) { cfg.AllowDirect = true },
		"no_ack":               func(cfg *jetstream.StreamConfig) { cfg.NoAck = true },
	} {
		t.Run(want, func(t *testing.T) {
			p, js, bucket := store(t)
			stream, err := js.Stream(t.Context(), "KV_"+bucket)
			if err != nil {
				t.Fatal(err)
			}
			cfg := stream.CachedInfo().Config
			change(&cfg)
			if err := js.DeleteStream(t.Context(), cfg.Name); err != nil {
				t.Fatal(err)
			}
			if _, err := js.CreateStream(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			if err := p.CreateBucket(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want one that names %s", err, want)
			}
		})
	}
	t.Run("replicas", func(t *testing.T) {
		_, js, bucket := store(t)
		if err := nats.New(js, nats.Bucket(bucket), nats.Replicas(3)).CreateBucket(t.Context()); err == nil || !strings.Contains(err.Error(), "1 replicas, not 3") {
			t.Errorf("got error %v", err)
		}
	})
	t.Run("of package jetstream", func(t *testing.T) {
		js, bucket := shared(t), newName()
		if _, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: bucket}); err != nil {
			t.Fatal(err)
		}
		defer js.DeleteKeyValue(t.Context(), bucket)
		if err := nats.New(js, nats.Bucket(bucket)).CreateBucket(t.Context()); err == nil {
			t.Error("got no error")
		}
	})
}

// CreateBucket says that there is no connection, and why.
func TestCreateBucketWithoutAConnection(t *testing.T) {
	server := testserver.Nats(t, "-user", "app", "-password", "another")
	for name, tc := range map[string]struct{ url, why string }{
		"no server":        {"nats://" + testserver.FreeAddr(t), "no server can be reached"},
		"a wrong password": {strings.Replace(server.URL, "nats://", "nats://app:hunter2@", 1), "uthorization"},
	} {
		t.Run(name, func(t *testing.T) {
			err := open(t, tc.url).CreateBucket(t.Context())
			if !errors.Is(err, natsclient.ErrDisconnected) && !errors.Is(err, natsclient.ErrConnectionClosed) {
				t.Errorf("got error %v, want one of the connection", err)
			}
			if text := fmt.Sprint(err); !strings.Contains(text, tc.why) || strings.Contains(text, "hunter2") {
				t.Errorf("got error %v, want one that says %q", err, tc.why)
			}
		})
	}
}
