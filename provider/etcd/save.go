package etcd

import (
	"context"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// update replaces a record that has the expected version and is live.
func (p *Provider) update(ctx context.Context, rec *provider.Record, expectVersion int64, now time.Time) error {
	key := p.key(rec.ID)
	saved, found, err := p.writeIf(ctx, rec, now,
		clientv3.Compare(clientv3.Value(key), ">", liveAbove(expectVersion, now)),
		clientv3.Compare(clientv3.Value(key), "<", liveBelow(expectVersion)))
	if err != nil || saved {
		return err
	}
	current, err := only(rec.ID, found)
	if err != nil {
		return err
	}
	return conflict(current, rec, now)
}

// replace stores rec in place of what is there, but not of a live record if that is kept.
// The first transaction expects no key. If there is one, the next transaction expects the
// revision that the one before has found.
func (p *Provider) replace(ctx context.Context, rec *provider.Record, keepLive bool, now time.Time) error {
	for revision := int64(0); ; {
		saved, found, err := p.writeIf(ctx, rec, now, clientv3.Compare(clientv3.ModRevision(p.key(rec.ID)), "=", revision))
		if err != nil || saved {
			return err
		}
		current, err := only(rec.ID, found)
		if err != nil {
			return err
		}
		if keepLive && current != nil && !current.Expired(now) {
			return conflict(current, rec, now)
		}
		revision = modRevision(found)
	}
}

func modRevision(found []*mvccpb.KeyValue) int64 {
	if len(found) == 0 {
		return 0
	}
	return found[0].ModRevision
}

// writeIf stores rec if the conditions hold. Otherwise it returns what the key holds.
func (p *Provider) writeIf(ctx context.Context, rec *provider.Record, now time.Time, conditions ...clientv3.Cmp) (saved bool, found []*mvccpb.KeyValue, err error) {
	resp, err := p.commit(ctx, func(txn clientv3.Txn) clientv3.Txn {
		return txn.If(conditions...).Then(p.write(rec, now)).Else(clientv3.OpGet(p.key(rec.ID)))
	})
	if err != nil || resp.Succeeded {
		return err == nil, nil, err
	}
	return false, resp.Responses[0].GetResponseRange().GetKvs(), nil
}

// write returns the operation that stores rec. A record that has expired is deleted.
func (p *Provider) write(rec *provider.Record, now time.Time) clientv3.Op {
	if rec.Expired(now) {
		return clientv3.OpDelete(p.key(rec.ID))
	}
	return clientv3.OpPut(p.key(rec.ID), encode(rec))
}

// conflict returns the result of a Save of rec that current does not allow.
func conflict(current, rec *provider.Record, now time.Time) error {
	if current != nil && current.Expired(now) {
		current = nil
	}
	return outcome.Conflict("etcd", current, rec)
}

// remove deletes a record. A value that is not a record is left as it is.
func (p *Provider) remove(ctx context.Context, key string) error {
	resp, err := p.commit(ctx, func(txn clientv3.Txn) clientv3.Txn {
		return txn.
			If(clientv3.Compare(clientv3.Value(key), ">", magic), clientv3.Compare(clientv3.Value(key), "<", magicAbove)).
			Then(clientv3.OpDelete(key)).
			Else(clientv3.OpGet(key, clientv3.WithCountOnly()))
	})
	switch {
	case err != nil:
		return err
	case !resp.Succeeded && resp.Responses[0].GetResponseRange().GetCount() > 0:
		return errForeign
	default:
		return nil
	}
}
