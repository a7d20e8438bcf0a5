package storeurl

import (
	"github.com/holdfast-go/holdfast/provider/nats"
)

func openNats(storeURL string) (*Opened, error) {
	p, err := nats.Open(storeURL)
	if err != nil {
		return nil, err
	}
	return &Opened{
		Provider: p,
		Needs:    "the bucket " + p.Bucket() + " of NATS",
		Close:    func() { _ = p.Close() },
		create:   p.CreateBucket,
	}, nil
}
