package faults_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
)

// A pair is a Redis primary with a replica. Clients reach the one that counts
// through the front, as they would by a name or an address that moves.
type pair struct {
	t                *testing.T
	primary, replica *testserver.Server
	link             *proxy // from the replica to the primary
	front            *proxy
}

func newPair(t *testing.T) *pair {
	t.Helper()
	primary, replica := testserver.RedisReplica(t)
	p := &pair{t, primary, replica, newProxy(t, primary.Addr), newProxy(t, primary.Addr)}
	host, port, _ := net.SplitHostPort(p.link.proxy.Listen)
	p.command(replica, "replicaof", host, port)
	p.sync()
	return p
}

// sync returns when the replica has all that was written.
func (p *pair) sync() {
	p.t.Helper()
	eventually(p.t, p.inSync, func() string { return "the replica is not in sync" })
}

func (p *pair) inSync() bool { return p.offset(p.primary) == p.offset(p.replica) }

// offset tells how far a server is in the stream of replication.
func (p *pair) offset(s *testserver.Server) string {
	info, _ := p.command(s, "info", "replication").(string)
	if strings.Contains(info, "master_link_status:down") {
		return "down"
	}
	_, rest, _ := strings.Cut(info, "\nmaster_repl_offset:")
	offset, _, _ := strings.Cut(rest, "\r\n")
	return offset
}

// catchUp returns when the replica has all that is written by now.
func (p *pair) catchUp() {
	p.t.Helper()
	now, _ := strconv.Atoi(p.offset(p.primary))
	eventually(p.t, func() bool {
		offset, err := strconv.Atoi(p.offset(p.replica))
		return err == nil && offset >= now
	}, func() string { return "the replica does not catch up" })
}

// lag keeps from the replica what is written from now on.
func (p *pair) lag() { p.link.poison(noAnswers...) }

// failOver kills the primary, promotes the replica and leads clients there.
func (p *pair) failOver() {
	p.primary.Kill()
	p.command(p.replica, "replicaof", "no", "one")
	p.front.move(p.replica.Addr)
}

// command may be called by any goroutine.
func (p *pair) command(s *testserver.Server, args ...any) any {
	client := goredis.NewClient(&goredis.Options{Addr: s.Addr})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	reply, err := client.Do(ctx, args...).Result()
	if err != nil {
		p.t.Errorf("%v: %v", args, err)
	}
	return reply
}

// visit returns a store, and what closes it.
func (p *pair) visit() (provider.Provider, func()) {
	store, err := redisprovider.Open(p.front.through(p.primary.URL), redisprovider.Prefix("newcomer:"))
	must(p.t, "Open", err)
	return store, func() { store.Close() }
}

func (p *pair) store(opts ...redisprovider.Option) provider.Provider {
	p.t.Helper()
	store, err := redisprovider.Open(p.front.through(p.primary.URL), opts...)
	must(p.t, "Open", err)
	p.t.Cleanup(func() { store.Close() })
	return store
}

func TestFailoverLosesWhatTheReplicaHasNot(t *testing.T) {
	checkLeaks(t)
	t.Run("record", func(t *testing.T) {
		p := newPair(t)
		store := p.store()
		lengthen(t, store, "id", 1, 2)
		p.sync()
		p.lag()
		lengthen(t, store, "id", 3, 4)
		wantChain(t, store, chain{1, 2, 3, 4})
		p.failOver()
		wantChain(t, store, chain{1, 2})

		// Who holds a version that is lost must not bring it back.
		err := store.Save(t.Context(), chain{1, 2, 3, 4}.grow("id", 5), 4)
		conflict, ok := errors.AsType[*provider.ConflictError](err)
		if !ok || conflict.Current == nil || conflict.Current.Version != 2 {
			t.Fatalf("Save over a lost version: %v, want a conflict with version 2", err)
		}
		if c, err := chainOf(conflict.Current); err != nil || len(c) != 2 {
			t.Errorf("the conflict brings %v, %v", c, err)
		}
		wantChain(t, store, chain{1, 2})
		must(t, "Save over what is left", store.Save(t.Context(), chain{1, 2}.grow("id", 6), 2))
		wantChain(t, store, chain{1, 2, 6})
	})
	t.Run("created record", func(t *testing.T) {
		p := newPair(t)
		store := p.store()
		p.lag()
		lengthen(t, store, "id", 1, 2)
		p.failOver()
		wantChain(t, store, nil)
		err := store.Save(t.Context(), chain{1, 2}.grow("id", 3), 2)
		if conflict, ok := errors.AsType[*provider.ConflictError](err); !ok || conflict.Current != nil {
			t.Errorf("Save over a lost record: %v, want a conflict with none", err)
		}
		wantChain(t, store, nil)
	})
	t.Run("deletion", func(t *testing.T) {
		p := newPair(t)
		store := p.store()
		lengthen(t, store, "id", 1)
		p.sync()
		p.lag()
		must(t, "Delete", store.Delete(t.Context(), "id"))
		wantChain(t, store, nil)
		p.failOver()
		wantChain(t, store, chain{1})
	})
}

func TestWaitReplicas(t *testing.T) {
	checkLeaks(t)
	p := newPair(t)
	const atMost = 50 * time.Millisecond
	store := p.store(redisprovider.WaitReplicas(1, time.Minute))
	lengthen(t, store, "id", 1)
	p.lag()

	impatient := p.store(redisprovider.WaitReplicas(1, atMost))
	wantOpen(t, impatient.Save(t.Context(), chain{1}.grow("id", 2), 1))
	wantChain(t, impatient, chain{1, 2})
	loss{lands: true}.wantUnknown(t, subject{}, store, impatient, chain{1, 2}.grow("id", 3), 2) // with another minute to wait
	err := impatient.Save(t.Context(), chain{1, 2}.grow("id", 4), 2)
	if !errors.Is(err, provider.ErrVersionConflict) {
		t.Errorf("Save over an old version: %v, want a conflict", err)
	}

	// The session reads back, and finds its change.
	a := newApp(t, impatient, patience)
	began := mustAsk(t, a, "POST", "/begin", answer{})
	mustAsk(t, a, "POST", "/update?token=slow", began)
	if list, _ := mustAsk(t, a, "GET", "/tokens", began).tokens(); !sameTokens(list, []string{"slow"}) {
		t.Errorf("tokens %q", list)
	}

	p.failOver()
	wantChain(t, p.store(), chain{1})
}

// Whatever clients do while Redis fails over, what was acknowledged before the
// replica began to lag stays, and what is acknowledged afterwards.
func TestFailoverUnderLoad(t *testing.T) {
	checkLeaks(t)
	p := newPair(t)
	g := &grace{newcomer: p.visit}
	w := newWriters(t, p.store(redisprovider.Prefix("writers:")), g)
	v := newVisitors(t, newGraciousApp(t, p.store(redisprovider.Prefix("visitors:")), g))
	levels := []*level{{name: "provider", proxy: p.front, grace: g}, {name: "session", proxy: p.front, grace: g}}
	levels[0].watch(&w.clock, w.problems, nil)
	levels[1].watch(&v.clock, v.problems, v.app)
	forget := func(is bool) {
		for _, l := range w.ledgers {
			l.Forgetful.Store(is)
		}
		for _, l := range v.sessions {
			l.Forgetful.Store(is)
		}
	}

	await(t, levels, before, actsBefore)
	forget(true)
	p.catchUp()
	p.lag()
	enter(levels, during)
	for _, l := range levels {
		l.await(t, during, actsDuring, true)
	}
	enter(levels, between)
	p.failOver()
	forget(false)
	began := time.Now()
	enter(levels, after)
	for _, l := range levels {
		l.await(t, after, 1, true)
		l.recovered = time.Since(began)
	}
	await(t, levels, after, actsAfter)

	calls, requests := w.stop(t), v.stop(t)
	levels[0].report(t, calls)
	levels[1].report(t, requests)
	if calls.Unknown == calls.Landed || requests.Unknown == requests.Landed {
		t.Error("nothing was lost: the replica did not lag")
	}
}
