package etcd

import (
	"context"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// kv returns what makes calls whose outcome does not matter if they fail.
func (p *Provider) kv() clientv3.KV { return clientv3.NewKVFromKVClient(p.remote, p.client) }

// commit makes a transaction, in one round trip. It explains the error.
func (p *Provider) commit(ctx context.Context, build func(clientv3.Txn) clientv3.Txn) (*clientv3.TxnResponse, error) {
	s := &sending{KVClient: p.remote}
	resp, err := build(clientv3.NewKVFromKVClient(s, p.client).Txn(ctx)).Commit()
	if err != nil {
		return nil, p.explainWrite(ctx, err, s.sent())
	}
	return resp, nil
}

// sending is a client for one transaction that records whether a connection took it.
type sending struct {
	etcdserverpb.KVClient
	peer peer.Peer
}

// Txn implements etcdserverpb.KVClient.
func (s *sending) Txn(ctx context.Context, in *etcdserverpb.TxnRequest, opts ...grpc.CallOption) (*etcdserverpb.TxnResponse, error) {
	return s.KVClient.Txn(ctx, in, append(opts[:len(opts):len(opts)], grpc.Peer(&s.peer))...)
}

// sent reports whether the request may have been sent. gRPC sets the peer if it has given
// the request to a connection, before it writes anything.
func (s *sending) sent() bool { return s.peer.Addr != nil }
