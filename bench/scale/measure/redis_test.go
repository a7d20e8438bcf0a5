package measure_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
)

// The log of changes is not rewritten by itself, which would be another job beside those that
// are measured.
var appendOnly = []string{"--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"}

func startRedis(t *testing.T) *store {
	args := append([]string{"--appendfsync", "always"}, appendOnly...)
	server, small := testserver.Redis(t, args...), testserver.Redis(t, args...)
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr})
	t.Cleanup(func() { client.Close() })
	nodes := []*goredis.Client{client}
	return &store{
		large: server.URL,
		small: small.URL,
		bulk:  newRedisBulk,
		kills: []kill{{victim: server}},
		sizes: func(ctx context.Context) (map[string]int64, error) { return redisSizes(ctx, nodes) },
		expire: func(ctx context.Context, ids []string) (time.Time, func() (int64, error), error) {
			return expireAll(ctx, client, nodes, ids)
		},
		hasten: func(ctx context.Context) error { return configSet(ctx, nodes, "active-expire-effort", "10") },
		backup: ownBackup{"BGSAVE", func(ctx context.Context, _ string) (int64, error) { return saveAll(ctx, nodes) }},
	}
}

// redisSizes returns the sizes of all nodes together.
func redisSizes(ctx context.Context, nodes []*goredis.Client) (map[string]int64, error) {
	sizes := map[string]int64{}
	for _, node := range nodes {
		info, err := redisInfo(ctx, node)
		if err != nil {
			return nil, err
		}
		for part, field := range map[string]string{"memory": "used_memory", "RSS": "used_memory_rss", "AOF": "aof_current_size"} {
			n, err := strconv.ParseInt(info[field], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("INFO has no %s: %w", field, err)
			}
			sizes[part] += n
		}
	}
	return sizes, nil
}

// configSet changes a setting of all nodes.
func configSet(ctx context.Context, nodes []*goredis.Client, setting, value string) error {
	for _, node := range nodes {
		if err := node.ConfigSet(ctx, setting, value).Err(); err != nil {
			return err
		}
	}
	return nil
}

// redisInfo returns the fields of INFO.
func redisInfo(ctx context.Context, node *goredis.Client) (map[string]string, error) {
	text, err := node.Info(ctx).Result()
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info, err
}

// expireAll sets the expiry of all keys to one moment. Gone returns when the servers have
// removed the keys, or after a while, and says how many they have.
func expireAll(ctx context.Context, client goredis.Cmdable, nodes []*goredis.Client, ids []string) (at time.Time, gone func() (int64, error), err error) {
	before, err := keyCount(ctx, nodes)
	if err != nil {
		return at, nil, err
	}
	ready := time.Now().Add(time.Second + time.Duration(len(ids))*100*time.Microsecond)
	at = ready.Add(beforeJob())
	for some := range slices.Chunk(ids, 10_000) {
		_, err := client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for _, id := range some {
				pipe.PExpireAt(ctx, redisKey(id), at)
			}
			return nil
		})
		if err != nil {
			return at, nil, err
		}
	}
	if time.Now().After(ready) {
		return at, nil, errors.New("to set the expiries took too long")
	}
	return at, func() (int64, error) { return awaitFewer(ctx, nodes, before, before-int64(len(ids))) }, nil
}

// awaitFewer returns by how much the number of keys has fallen, when it has fallen to few or
// after 20 periods.
func awaitFewer(ctx context.Context, nodes []*goredis.Client, before, few int64) (int64, error) {
	for end := time.Now().Add(20 * *period); ; time.Sleep(time.Millisecond) {
		now, err := keyCount(ctx, nodes)
		if err != nil || now <= few || time.Now().After(end) {
			return before - now, err
		}
	}
}

func keyCount(ctx context.Context, nodes []*goredis.Client) (total int64, err error) {
	for _, node := range nodes {
		n, err := node.DBSize(ctx).Result()
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// saveAll makes a snapshot of each node, and returns the size of all files.
func saveAll(ctx context.Context, nodes []*goredis.Client) (total int64, err error) {
	for _, node := range nodes {
		if err := node.BgSave(ctx).Err(); err != nil {
			return 0, err
		}
	}
	for _, node := range nodes {
		if err := saved(ctx, node); err != nil {
			return 0, err
		}
		dir, err := node.ConfigGet(ctx, "dir").Result()
		if err != nil {
			return 0, err
		}
		file, err := os.Stat(filepath.Join(dir["dir"], "dump.rdb"))
		if err != nil {
			return 0, err
		}
		total += file.Size()
	}
	return total, nil
}

// saved returns when the snapshot is written.
func saved(ctx context.Context, node *goredis.Client) error {
	for {
		info, err := redisInfo(ctx, node)
		switch {
		case err != nil:
			return err
		case info["rdb_bgsave_in_progress"] == "1":
			time.Sleep(10 * time.Millisecond)
		case info["rdb_last_bgsave_status"] != "ok":
			return errors.New("BGSAVE has failed")
		default:
			return nil
		}
	}
}

// redisBulk sets the keys of a batch by a pipeline.
type redisBulk struct {
	client goredis.UniversalClient
	end    func() error // undoes what was set for the time of filling
}

// newRedisBulk lets the server not wait for the disk until all is written: it would do so
// after each few kilobytes of a pipeline.
func newRedisBulk(ctx context.Context, url string) (bulkWriter, error) {
	o, err := goredis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	client := goredis.NewClient(o)
	sync := func(when string) error { return client.ConfigSet(ctx, "appendfsync", when).Err() }
	return &redisBulk{client, func() error { return sync("always") }}, sync("everysec")
}

func (r *redisBulk) write(ctx context.Context, recs []*provider.Record) error {
	_, err := r.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
		for _, rec := range recs {
			pipe.Do(ctx, "set", redisKey(rec.ID), redisValue(rec), "pxat", rec.ExpiresAt.UnixMilli())
		}
		return nil
	})
	return err
}

func (r *redisBulk) close() error { return errors.Join(r.end(), r.client.Close()) }

func redisKey(id string) string { return "holdfast:" + id }

// redisValue returns the value of a record, whose format is in the documentation of package
// redis.
func redisValue(rec *provider.Record) []byte {
	value := []byte("\xf5HF\x01")
	value = binary.BigEndian.AppendUint64(value, uint64(rec.Version))
	value = binary.BigEndian.AppendUint64(value, uint64(provider.Millis(rec.ExpiresAt)))
	value = append(value, byte(len(rec.Format)))
	value = append(value, rec.Format...)
	return append(value, rec.Data...)
}
