package faults_test

import (
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// Of three members of etcd each is killed in turn, so also the leader. The others elect
// a leader, lose nothing that was acknowledged, and serve all clients again.
func TestEtcdMembersAreKilledInTurn(t *testing.T) {
	checkLeaks(t)
	members := testserver.EtcdCluster(t)
	var hosts []string
	for _, m := range members {
		hosts = append(hosts, m.Addr)
	}
	url, space := "etcd://"+strings.Join(hosts, ","), stores.Space()
	g := &grace{newcomer: func() (provider.Provider, func()) { return stores.Etcd.Visit(t, url, space) }}
	w := newWriters(t, stores.Etcd.At(t, url, space), g)
	v := newVisitors(t, newGraciousApp(t, stores.Etcd.At(t, url, space), g))
	unused := newProxy(t, members[0].Addr)
	levels := []*level{{name: "provider", proxy: unused, grace: g}, {name: "session", proxy: unused, grace: g}}
	levels[0].watch(&w.clock, w.problems, nil)
	levels[1].watch(&v.clock, v.problems, v.app)

	await(t, levels, before, actsBefore)
	for i, m := range members {
		enter(levels, between)
		m.Kill()
		enter(levels, after)
		await(t, levels, after, int64(i+1)*actsAfter)
		enter(levels, between)
		m.Restart()
	}
	enter(levels, after)
	await(t, levels, after, int64(len(members)+1)*actsAfter)
	levels[0].report(t, w.stop(t))
	levels[1].report(t, v.stop(t))
}
