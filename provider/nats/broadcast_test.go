package nats_test

import (
	"strings"
	"testing"
	"time"

	natsclient "github.com/nats-io/nats.go"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/nats"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestBroadcasterContract(t *testing.T) {
	bucket, other := newBucket(t, shared(t)), newBucket(t, shared(t))
	first, second := nats.New(shared(t), nats.Bucket(bucket)), nats.New(shared(t), nats.Bucket(bucket))
	third := nats.New(shared(t), nats.Bucket(other))
	providertest.RunBroadcaster(t, func(*testing.T) (provider.Provider, provider.Provider, provider.Provider) {
		return first, second, third
	})
}

// The servers of a cluster pass messages on to each other.
func TestBroadcastInACluster(t *testing.T) {
	servers := strings.Split(strings.TrimPrefix(testserver.SharedNatsCluster(t), "nats://"), ",")
	bucket := newName()
	var p []*nats.Provider
	for _, server := range servers {
		p = append(p, nats.New(dial(t, "nats://"+server, natsclient.DontRandomize()), nats.Bucket(bucket)))
	}
	for _, to := range p {
		l := storetest.Listen(t, to)
		for _, from := range p {
			message := newName()
			storetest.Eventually(t, "a message arrives", func() bool { // see the documentation
				storetest.Broadcast(t, from, message)
				return l.Heard(message) > 0
			})
		}
		_ = l.Cancel()
	}
}

// The client connects again, but what was sent in between is lost.
func TestListenEndsWithItsConnection(t *testing.T) {
	for name, lose := range map[string]func(*testserver.Server){
		"the server is killed":   (*testserver.Server).Kill,
		"the server is replaced": (*testserver.Server).Restart,
		"the server is frozen":   (*testserver.Server).Freeze,
	} {
		t.Run(name, func(t *testing.T) {
			server := testserver.Nats(t)
			js := dial(t, server.URL, natsclient.MaxReconnects(-1), natsclient.ReconnectWait(time.Millisecond),
				natsclient.PingInterval(200*time.Millisecond), natsclient.MaxPingsOutstanding(2))
			p := nats.New(js)
			l := storetest.StartListen(t, p)
			l.AwaitBegin()
			lose(server)
			if err := l.End(); err == nil || !strings.HasPrefix(err.Error(), "nats: ") {
				t.Errorf("got error %v", err)
			}
			if name != "the server is replaced" {
				return
			}
			storetest.Eventually(t, "the client connects again", js.Conn().IsConnected)
			l = storetest.Listen(t, p)
			storetest.Broadcast(t, p, "message")
			l.Want("message")
		})
	}
}

func TestListenEndsWithACloseOfTheConnection(t *testing.T) {
	p := open(t, testserver.SharedNats(t))
	l := storetest.Listen(t, p)
	p.Close()
	if err := l.End(); err == nil {
		t.Error("got no error")
	}
	if err := storetest.StartListen(t, p).End(); err == nil {
		t.Error("Listen begins without a connection")
	}
	if err := p.Broadcast(t.Context(), []byte("message")); err == nil {
		t.Error("Broadcast succeeds without a connection")
	}
}

// A connection that does not hear itself is reported.
func TestListenWithoutEcho(t *testing.T) {
	p := nats.New(shared(t, natsclient.NoEcho()), nats.ProbeTimeout(100*time.Millisecond))
	l := storetest.StartListen(t, p)
	if err := l.End(); !strings.Contains(err.Error(), "NoEcho") || l.Begun() {
		t.Errorf("got error %v, want one that says what to do", err)
	}
}

// What others send on the subject is no message.
func TestForeignMessages(t *testing.T) {
	js, bucket := shared(t), newName()
	p := nats.New(js, nats.Bucket(bucket))
	l := storetest.Listen(t, p)
	for _, data := range []string{"", "m", "p", "pxyz", "hello", "m" + strings.Repeat("x", provider.MaxMessageLength+1)} {
		if err := js.Conn().Publish("holdfast.broadcast."+bucket, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Broadcast(t, p, "message")
	l.Want("message")
	if n := l.Total(); n != 1 {
		t.Errorf("%d messages are heard, want 1", n)
	}
}
