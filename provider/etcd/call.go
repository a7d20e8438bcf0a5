package etcd

import (
	"context"
	"slices"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// kv returns what makes calls whose outcome does not matter if they fail.
func (p *Provider) kv() clientv3.KV { return p.over(&call{KVClient: p.remote}) }

func (p *Provider) over(c *call) clientv3.KV { return clientv3.NewKVFromKVClient(c, p.client) }

// commit makes a transaction, in one round trip. It explains the error.
func (p *Provider) commit(ctx context.Context, build func(clientv3.Txn) clientv3.Txn) (*clientv3.TxnResponse, error) {
	c := &call{KVClient: p.remote}
	resp, err := build(p.over(c).Txn(ctx)).Commit()
	if err != nil {
		return nil, p.explainWrite(ctx, err, c.sent())
	}
	return resp, nil
}

// call is a client for one call. It records whether a connection took the request. If
// there is none, and none can be made at once, the call fails with the reason. By default
// the client would wait for the end of the context, and report that.
type call struct {
	etcdserverpb.KVClient
	peer peer.Peer
}

// Range implements etcdserverpb.KVClient.
func (c *call) Range(ctx context.Context, in *etcdserverpb.RangeRequest, opts ...grpc.CallOption) (*etcdserverpb.RangeResponse, error) {
	return c.KVClient.Range(ctx, in, c.add(opts)...)
}

// Put implements etcdserverpb.KVClient.
func (c *call) Put(ctx context.Context, in *etcdserverpb.PutRequest, opts ...grpc.CallOption) (*etcdserverpb.PutResponse, error) {
	return c.KVClient.Put(ctx, in, c.add(opts)...)
}

// Txn implements etcdserverpb.KVClient.
func (c *call) Txn(ctx context.Context, in *etcdserverpb.TxnRequest, opts ...grpc.CallOption) (*etcdserverpb.TxnResponse, error) {
	return c.KVClient.Txn(ctx, in, c.add(opts)...)
}

func (c *call) add(opts []grpc.CallOption) []grpc.CallOption {
	return append(slices.Clip(opts), grpc.WaitForReady(false), grpc.Peer(&c.peer))
}

// sent reports whether the request may have been sent. gRPC sets the peer if it has given
// the request to a connection, before it writes anything.
func (c *call) sent() bool { return c.peer.Addr != nil }
