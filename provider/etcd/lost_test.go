package etcd_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider/etcd"
)

// A watch of the client's would go on with another member, or with the same one later.
func TestListenEndsWithItsConnection(t *testing.T) {
	for name, lose := range map[string]func(*testserver.Server){
		"the server is killed":   (*testserver.Server).Kill,
		"the server is replaced": (*testserver.Server).Restart,
		"the server is frozen":   (*testserver.Server).Freeze,
	} {
		t.Run(name, func(t *testing.T) {
			server := testserver.Etcd(t)
			ping := etcd.Ping(50*time.Millisecond, storetest.Patience)
			if name == "the server is frozen" {
				ping = etcd.Ping(50*time.Millisecond, 200*time.Millisecond)
			}
			p := open(t, server.URL, ping)
			l := storetest.StartListen(t, p)
			l.AwaitBegin()
			lose(server)
			if err := l.End(); err == nil || !strings.HasPrefix(err.Error(), "etcd: ") {
				t.Errorf("got error %v", err)
			}
			if name != "the server is replaced" {
				return
			}
			storetest.Eventually(t, "the client connects again", func() bool {
				return p.Broadcast(t.Context(), []byte("before")) == nil
			})
			l = storetest.Listen(t, p)
			storetest.Broadcast(t, p, "after")
			l.Want("after")
		})
	}
}

// A member that has lost the others still answers, but hears nothing.
func TestListenEndsWithoutALeader(t *testing.T) {
	servers := testserver.EtcdCluster(t)
	p := open(t, servers[0].URL)
	l := storetest.Listen(t, p)
	servers[1].Kill()
	servers[2].Kill()
	if err := l.End(); err == nil {
		t.Error("got no error")
	}
}

// Pings keep a Listen that hears nothing.
func TestListenStays(t *testing.T) {
	p := open(t, testserver.SharedEtcd(t), etcd.Prefix(newPrefix(t)), etcd.Ping(time.Millisecond, storetest.Patience))
	l := storetest.Listen(t, p)
	for range 20 {
		<-time.After(10 * time.Millisecond)
		storetest.Broadcast(t, p, "message")
	}
	l.Want("message")
}

func TestListenWithoutAServer(t *testing.T) {
	l := storetest.StartListen(t, open(t, "etcd://"+testserver.FreeAddr(t)))
	if err := l.Cancel(); err == nil || l.Begun() {
		t.Errorf("got error %v", err)
	}
}

// A user needs no more than the permission for the prefix. A watch cannot log in by itself.
func TestBroadcastOfAUser(t *testing.T) {
	url := "etcd://app:app%27s@" + withUsers(t).Addr
	p := open(t, url, etcd.Prefix("app/"))
	l := storetest.Listen(t, p)
	storetest.Broadcast(t, p, "message")
	l.Want("message")

	p = open(t, url, etcd.Prefix("other/"))
	for name, err := range map[string]error{
		"Broadcast": p.Broadcast(context.Background(), []byte("message")),
		"Listen":    storetest.StartListen(t, p).End(),
	} {
		if err == nil || !strings.Contains(err.Error(), "grant-permission") {
			t.Errorf("%s: got error %v, want one that says what to do", name, err)
		}
	}
}
