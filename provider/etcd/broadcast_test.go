package etcd_test

import (
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestBroadcasterContract(t *testing.T) {
	same, other := newPrefix(t), newPrefix(t)
	first, second := etcd.New(shared(t), etcd.Prefix(same)), etcd.New(shared(t), etcd.Prefix(same))
	third := etcd.New(shared(t), etcd.Prefix(other))
	providertest.RunBroadcaster(t, func(*testing.T) (provider.Provider, provider.Provider, provider.Provider) {
		return first, second, third
	})
}

// Each provider calls a member of its own.
func TestBroadcasterContractOnACluster(t *testing.T) {
	servers := testserver.EtcdCluster(t)
	first, second := open(t, servers[0].URL), open(t, servers[1].URL)
	third := open(t, servers[2].URL, etcd.Prefix("other/"))
	providertest.RunBroadcaster(t, func(*testing.T) (provider.Provider, provider.Provider, provider.Provider) {
		return first, second, third
	})
}

// A message is no record, whatever its bytes are.
func TestMessagesAreNoRecords(t *testing.T) {
	p, client, prefix := store(t)
	l := storetest.Listen(t, p)
	rec := storetest.NewRecord()
	storetest.Save(t, p, rec, 0, nil)
	expired := "\xf5HF\x02" + strings.Repeat("\x00", 7) + "\x01" + strings.Repeat("\x00", 7) + "\x01\x00"
	for _, message := range []string{"message", expired} {
		storetest.Broadcast(t, p, message)
		l.Want(message)
		if n, err := p.Purge(t.Context()); n != 0 || err != nil {
			t.Errorf("Purge: got %d and error %v, want none", n, err)
		}
		if ids, err := storetest.List(t.Context(), p, ""); len(ids) != 1 || err != nil {
			t.Errorf("List: got %d records and error %v, want 1", len(ids), err)
		}
	}
	if n := count(t, client, prefix); n != 2 {
		t.Errorf("there are %d keys, want that of the record and that of the messages", n)
	}
}

// A compaction of the history ends no Listen.
func TestListenSurvivesACompaction(t *testing.T) {
	p, client, prefix := store(t)
	l := storetest.Listen(t, p)
	for _, message := range []string{"one", "two", "three"} {
		storetest.Broadcast(t, p, message)
		l.Want(message)
		resp, err := client.Put(t.Context(), prefix+"compacted", "x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Compact(t.Context(), resp.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
			t.Fatal(err)
		}
	}
}

// The deletion of the key is no message.
func TestForeignChangesOfTheKey(t *testing.T) {
	p, client, prefix := store(t)
	l := storetest.Listen(t, p)
	key := prefix + "\x00broadcast"
	for _, value := range []string{"", "m", "x", "hello", "m" + strings.Repeat("x", provider.MaxMessageLength+1)} {
		put(t, client, key, value)
	}
	if _, err := client.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	storetest.Broadcast(t, p, "message")
	l.Want("message")
	if n := l.Total(); n != 1 {
		t.Errorf("%d messages are heard, want 1", n)
	}
}
