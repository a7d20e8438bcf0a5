package etcd

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
	"github.com/holdfast-go/holdfast/provider/internal/purging"
)

// maxDeletes is how many keys a transaction deletes. By default etcd allows 128
// operations (max-txn-ops).
const maxDeletes = 100

const purgeTimeout = time.Minute // of one request, in case nobody answers

// Purge removes expired records and returns their number. It reads all records, 256 at a
// time, from any member of the cluster, and removes up to 100 in a transaction. A record
// that is replaced in the meantime stays. After an error, removed counts the records that
// were removed before it.
//
// Records expire without Purge. Purge keeps the database from growing. It goes by the
// clock of this machine.
func (p *Provider) Purge(ctx context.Context) (removed int64, err error) {
	defer func() { p.purged.Note(removed, err) }()
	if err := outcome.Check(ctx, "etcd", nil); err != nil {
		return 0, err
	}
	for kvs, err := range p.pages(ctx, "", purgeTimeout, clientv3.WithSerializable()) {
		if err != nil {
			return removed, err
		}
		for some := range slices.Chunk(dead(kvs, time.Now()), maxDeletes) {
			p.tell(some)
			n, err := p.purge(ctx, some)
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// PurgeStats implements provider.Purger.
func (p *Provider) PurgeStats() provider.PurgeStats { return p.purged.Sum() }

// dead returns the keys of records that have expired.
func dead(kvs []*mvccpb.KeyValue, now time.Time) (expired []*mvccpb.KeyValue) {
	for _, kv := range kvs {
		if rec, err := decode("", kv.Value); err == nil && rec.Expired(now) {
			expired = append(expired, kv)
		}
	}
	return expired
}

// tell tells the listeners of the records of these keys.
func (p *Provider) tell(kvs []*mvccpb.KeyValue) {
	if !p.expired.Any() {
		return
	}
	for _, kv := range kvs {
		if rec, err := decode(strings.TrimPrefix(string(kv.Key), p.prefix), kv.Value); err == nil {
			p.expired.Tell(rec)
		}
	}
}

// OnExpired implements provider.Expirer. Purge calls fn with the records that it is about
// to remove.
func (p *Provider) OnExpired(fn func(*provider.Record)) (stop func()) { return p.expired.Add(fn) }

// purge removes keys that have not changed since they were read: all of them in one
// transaction or, if one has changed, each half by itself.
func (p *Provider) purge(ctx context.Context, kvs []*mvccpb.KeyValue) (removed int64, err error) {
	unchanged, err := p.removeUnchanged(ctx, kvs)
	switch {
	case err != nil:
		return 0, err
	case unchanged:
		return int64(len(kvs)), nil
	case len(kvs) == 1:
		return 0, nil
	}
	for some := range slices.Chunk(kvs, (len(kvs)+1)/2) {
		n, err := p.purge(ctx, some)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (p *Provider) removeUnchanged(ctx context.Context, kvs []*mvccpb.KeyValue) (unchanged bool, err error) {
	var conditions []clientv3.Cmp
	var deletes []clientv3.Op
	for _, kv := range kvs {
		key := string(kv.Key)
		conditions = append(conditions, clientv3.Compare(clientv3.ModRevision(key), "=", kv.ModRevision))
		deletes = append(deletes, clientv3.OpDelete(key))
	}
	ctx, cancel := context.WithTimeout(ctx, purgeTimeout)
	defer cancel()
	resp, err := p.kv().Txn(ctx).If(conditions...).Then(deletes...).Commit()
	if err != nil {
		return false, p.explain(ctx, err)
	}
	return resp.Succeeded, nil
}

// PurgeEvery runs Purge every interval until ctx ends, and logs its errors:
//
//	go sessions.PurgeEvery(ctx, time.Hour)
//
// The first run is after a random part of the interval, so that instances that start
// together do not run at the same time. One instance would be enough. PurgeEvery panics
// if interval is not positive.
func (p *Provider) PurgeEvery(ctx context.Context, interval time.Duration) {
	purging.Every(ctx, "etcd", interval, p.log, p.Purge)
}
