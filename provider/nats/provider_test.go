package nats_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/nats"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func contract(t *testing.T, p *nats.Provider) {
	t.Helper()
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
}

func TestContract(t *testing.T) {
	p, _, _ := store(t)
	contract(t, p)
}

func TestContractOfOpen(t *testing.T) {
	contract(t, open(t, testserver.SharedNats(t), nats.Bucket(newBucket(t, shared(t)))))
}

func TestContractOnThreeReplicas(t *testing.T) {
	url := testserver.SharedNatsCluster(t)
	contract(t, open(t, url, nats.Bucket(newBucket(t, dial(t, url), nats.Replicas(3)))))
}
