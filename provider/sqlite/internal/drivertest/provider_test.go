package drivertest

import (
	"path/filepath"
	"testing"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/providertest"
	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// contract checks the rules of package provider.
func contract(t *testing.T, p *sqlite.Provider) {
	t.Helper()
	if err := p.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
}

func TestContract(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		p, _, _ := b.store(t)
		contract(t, p)
	})
}

// One pool for both is enough, since writers take turns. SQLite's own wait for locks may be
// on.
func TestContractWithOnePool(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		path := filepath.Join(t.TempDir(), "test.db")
		contract(t, sqlite.New(b.open(t, path, append([]string{"busy_timeout(5000)"}, writing...)...)))
	})
}

func TestContractWithOneConnection(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t, filepath.Join(t.TempDir(), "test.db"), writing...)
		db.SetMaxOpenConns(1)
		contract(t, sqlite.New(db))
	})
}

func TestContractInMemory(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t, ":memory:")
		db.SetMaxOpenConns(1)
		contract(t, sqlite.New(db))
	})
}
