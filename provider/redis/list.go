package redis

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/paging"
)

var _ provider.Lister = (*Provider)(nil)

const (
	scanCount = 1000 // keys, of all, that a server looks at in one step: part of a millisecond
	pageSize  = 256
)

// List implements provider.Lister. It finds the keys with SCAN on each primary, and reads
// them in pages of 256. Whatever the prefix, the servers visit every key of the database,
// a thousand at a time.
//
// For a cluster or a ring, pass the client itself to New, because it knows the nodes.
// While a cluster moves slots or fails over, List may leave records out.
func (p *Provider) List(ctx context.Context, prefix string) iter.Seq2[*provider.Record, error] {
	return paging.List(ctx, "redis", prefix, p.pages(ctx, prefix))
}

func (p *Provider) pages(ctx context.Context, prefix string) iter.Seq2[[]*provider.Record, error] {
	return func(yield func([]*provider.Record, error) bool) {
		// SCAN alone would find nothing on an empty replica, without an error.
		if _, err := p.Fetch(ctx, cmp.Or(prefix, "-")); err != nil && !errors.Is(err, provider.ErrNotFound) {
			yield(nil, err)
			return
		}
		for keys, err := range p.keys(ctx, prefix) {
			if err != nil {
				yield(nil, p.failure(ctx, err))
				return
			}
			keys = slices.DeleteFunc(keys, p.foreign)
			for some := range slices.Chunk(keys, pageSize) {
				if !yield(p.read(ctx, some)) {
					return
				}
			}
		}
	}
}

// foreign reports whether no record can have this key.
func (p *Provider) foreign(key string) bool {
	return provider.ValidateID(strings.TrimPrefix(key, p.prefix)) != nil
}

// keys yields the keys that each step of a SCAN finds.
func (p *Provider) keys(ctx context.Context, prefix string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		nodes, err := p.nodes(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, node := range nodes {
			for cursor, more := uint64(0), true; more; more = cursor != 0 {
				var keys []string
				keys, cursor, err = p.scan(ctx, node, cursor, p.key(prefix))
				if !yield(keys, err) {
					return
				}
			}
		}
	}
}

// nodes returns the clients of all servers that store keys.
func (p *Provider) nodes(ctx context.Context) ([]Client, error) {
	var each func(context.Context, func(context.Context, *goredis.Client) error) error
	switch c := p.client.(type) {
	case interface {
		ForEachMaster(context.Context, func(context.Context, *goredis.Client) error) error
	}: // ClusterClient, where shards are replicas, too
		each = c.ForEachMaster
	case interface {
		ForEachShard(context.Context, func(context.Context, *goredis.Client) error) error
	}: // Ring
		each = c.ForEachShard
	default:
		return []Client{p.client}, nil
	}
	var mu sync.Mutex
	var nodes []Client
	err := p.await(ctx, func() error {
		return each(ctx, func(_ context.Context, node *goredis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			nodes = append(nodes, node)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return nodes, nil
}

func (p *Provider) scan(ctx context.Context, node Client, cursor uint64, prefix string) (keys []string, next uint64, err error) {
	cmd := goredis.NewScanCmd(ctx, nil, "scan", cursor, "match", literal(prefix)+"*", "count", scanCount)
	if err := p.await(ctx, func() error { return node.Process(ctx, cmd) }); err != nil {
		return nil, 0, err
	}
	keys, next = cmd.Val()
	return keys, next, nil
}

// literal returns the pattern that matches only text.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// read fetches the records of keys, in one round trip to each node. It leaves out keys
// that no longer exist, and keys that the client of a ring would look up on another node.
func (p *Provider) read(ctx context.Context, keys []string) ([]*provider.Record, error) {
	cmds := make([]*goredis.StringCmd, len(keys))
	for i, key := range keys {
		cmds[i] = goredis.NewStringCmd(ctx, "getex", key) // as Fetch does
		cmds[i].SetFirstKeyPos(1)
	}
	err := p.await(ctx, func() error {
		_, err := p.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for _, cmd := range cmds {
				_ = pipe.Process(ctx, cmd)
			}
			return nil
		})
		return err
	})
	if err != nil && !errors.Is(err, goredis.Nil) {
		return nil, p.failure(ctx, err)
	}
	return p.records(ctx, cmds)
}

// records returns the records that the finished commands have read.
func (p *Provider) records(ctx context.Context, cmds []*goredis.StringCmd) ([]*provider.Record, error) {
	var recs []*provider.Record
	for _, cmd := range cmds {
		value, err := cmd.Bytes()
		switch {
		case errors.Is(err, goredis.Nil):
			continue
		case err != nil:
			return nil, p.failure(ctx, err)
		}
		key, _ := cmd.Args()[1].(string)
		rec, err := decode(strings.TrimPrefix(key, p.prefix), value)
		if err != nil {
			return nil, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}
