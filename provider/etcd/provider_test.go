package etcd_test

import (
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func contract(t *testing.T, p *etcd.Provider) {
	t.Helper()
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
}

func TestContract(t *testing.T) {
	p, _, _ := store(t)
	contract(t, p)
}

func TestContractOfOpen(t *testing.T) {
	contract(t, open(t, testserver.SharedEtcd(t), etcd.Prefix(newPrefix(t))))
}

// The client takes turns between the members, so that most calls go to followers.
func TestContractOnACluster(t *testing.T) {
	var hosts []string
	for _, s := range testserver.EtcdCluster(t) {
		hosts = append(hosts, s.Addr)
	}
	contract(t, open(t, "etcd://"+strings.Join(hosts, ",")))
}
