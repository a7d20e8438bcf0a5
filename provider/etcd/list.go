package etcd

import (
	"context"
	"iter"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

const pageSize = 256

// List implements provider.Lister, in the order of the IDs' bytes. It reads pages of 256
// records, each with a linearizable read of its own: a compaction of etcd's history does
// not end it.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "etcd", prefix, p.records(ctx, prefix))
}

// records yields the records of each page.
func (p *Provider) records(ctx context.Context, prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		for kvs, err := range p.pages(ctx, prefix, 0) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(p.live(kvs, time.Now())) {
				return
			}
		}
	}
}

// pages yields the keys of the records whose ID begins with prefix, with their values.
// The timeout is that of one page; 0 means none.
func (p *Provider) pages(ctx context.Context, prefix string, timeout time.Duration, opts ...clientv3.OpOption) iter.Seq2[[]*mvccpb.KeyValue, error] {
	return func(yield func([]*mvccpb.KeyValue, error) bool) {
		from, end := p.key(prefix), clientv3.GetPrefixRangeEnd(p.key(prefix))
		if from == "" {
			from = "\x00" // the first key there can be
		}
		opts := append([]clientv3.OpOption{clientv3.WithRange(end), clientv3.WithLimit(pageSize)}, opts...)
		for {
			resp, err := p.page(ctx, from, timeout, opts)
			if err != nil {
				yield(nil, p.explain(ctx, err))
				return
			}
			if !yield(resp.Kvs, nil) || !resp.More {
				return
			}
			from = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00" // the next key there can be
		}
	}
}

func (p *Provider) page(ctx context.Context, from string, timeout time.Duration, opts []clientv3.OpOption) (*clientv3.GetResponse, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	return p.kv().Get(ctx, from, opts...)
}

// live returns the records that have not expired.
func (p *Provider) live(kvs []*mvccpb.KeyValue, now time.Time) ([]*provider.Record, error) {
	recs := make([]*provider.Record, 0, len(kvs))
	for _, kv := range kvs {
		id := strings.TrimPrefix(string(kv.Key), p.prefix)
		if provider.ValidateID(id) != nil {
			continue // no record's
		}
		rec, err := decode(id, kv.Value)
		if err != nil {
			return nil, err
		}
		if !rec.Expired(now) {
			recs = append(recs, rec)
		}
	}
	return recs, nil
}
