package storeurl

import (
	"github.com/holdfast-go/holdfast/provider/etcd"
)

func openEtcd(storeURL string) (*Opened, error) {
	p, err := etcd.Open(storeURL)
	if err != nil {
		return nil, err
	}
	return &Opened{Provider: p, Purge: p.Purge, Close: func() { _ = p.Close() }}, nil
}
