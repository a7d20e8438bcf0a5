package measure_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	_ "github.com/ncruces/go-sqlite3/driver"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/etcd"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
	natsprovider "github.com/holdfast-go/holdfast/provider/nats"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
)

func durableRedis(tb testing.TB) openedStore {
	return redisAt(tb, testserver.Redis(tb, "--appendonly", "yes", "--appendfsync", "always").Addr)
}

func redisAt(tb testing.TB, addr string) openedStore {
	driver := newRawRedis(tb, addr)
	return openedStore{openRedis(tb, addr), driver, func(ctx context.Context) (int64, error) {
		info, err := driver.client.Info(ctx, "memory").Result()
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(info, "used_memory:")
		used, _, _ := strings.Cut(rest, "\r")
		return strconv.ParseInt(used, 10, 64)
	}}
}

func durablePostgres(tb testing.TB) openedStore { return postgresAt(tb, testserver.Postgres(tb).URL) }

func postgresAt(tb testing.TB, url string) openedStore {
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return openedStore{postgresprovider.New(pool), &rawPostgres{pool: pool}, func(ctx context.Context) (size int64, err error) {
		return size, pool.QueryRow(ctx, "SELECT pg_total_relation_size('holdfast_sessions')").Scan(&size)
	}}
}

func durableSQLite(tb testing.TB) openedStore { return sqliteWith(tb) }

func sqliteWith(tb testing.TB, options ...opensqlite.Option) openedStore {
	file := filepath.Join(tb.TempDir(), "sessions.db")
	p, err := opensqlite.Open(file, options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	db, err := sql.Open("sqlite3", "file:"+file+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return openedStore{p, &rawSQL{db: db, provider: p}, func(ctx context.Context) (int64, error) {
		if _, err := db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			return 0, err
		}
		info, err := os.Stat(file)
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}}
}

func durableMariaDB(tb testing.TB) openedStore { return mariaDBAt(tb, testserver.MariaDB(tb).URL) }

func mariaDBAt(tb testing.TB, server string) openedStore {
	p, err := mysqlprovider.Open(server)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	db := openMariaDB(tb, server)
	return openedStore{p, &rawSQL{db: db, provider: p}, func(ctx context.Context) (size int64, err error) {
		if _, err := db.ExecContext(ctx, "ANALYZE TABLE holdfast_sessions"); err != nil {
			return 0, err
		}
		row := db.QueryRowContext(ctx, "SELECT data_length + index_length FROM information_schema.tables WHERE table_name = 'holdfast_sessions'")
		return size, row.Scan(&size)
	}}
}

// openMariaDB opens a database by a URL of package testserver.
func openMariaDB(tb testing.TB, server string) *sql.DB {
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	db, err := sql.Open("mysql", u.User.String()+"@tcp("+u.Host+")"+u.Path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

func durableEtcd(tb testing.TB) openedStore {
	server := testserver.Etcd(tb)
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Addr}, Logger: zap.NewNop()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { client.Close() })
	return openedStore{etcd.New(client), &rawEtcd{client: client}, func(ctx context.Context) (int64, error) {
		status, err := client.Status(ctx, server.Addr)
		if err != nil {
			return 0, err
		}
		return status.DbSizeInUse, nil
	}}
}

func durableNats(tb testing.TB) openedStore {
	conn, err := natsclient.Connect(testserver.Nats(tb).URL)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		tb.Fatal(err)
	}
	return openedStore{natsprovider.New(js), &rawNats{js: js}, func(ctx context.Context) (int64, error) {
		account, err := js.AccountInfo(ctx)
		if err != nil {
			return 0, err
		}
		return int64(account.Store), nil
	}}
}

// memoryOverHTTP is provider/memory behind a server on loopback.
func memoryOverHTTP(tb testing.TB) openedStore {
	const token = "the-token-of-the-benchmark"
	handler, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{Token: token})
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(handler)
	tb.Cleanup(server.Close)
	p, err := httpstore.New(server.URL, httpstore.Options{Token: token})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return openedStore{Provider: p}
}

// openMemory opens provider/memory, whose size is that of the heap.
func openMemory(testing.TB) openedStore {
	return openedStore{Provider: memory.New(), size: func(context.Context) (int64, error) {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc), nil
	}}
}

// rawEtcd reads and replaces one key.
type rawEtcd struct {
	client   *clientv3.Client
	value    string
	revision int64
}

const rawKey = "raw"

func (r *rawEtcd) begin(ctx context.Context, rec *provider.Record) error {
	r.value = string(rec.Data)
	res, err := r.client.Put(ctx, rawKey, r.value)
	if err == nil {
		r.revision = res.Header.Revision
	}
	return err
}

func (r *rawEtcd) get(ctx context.Context) error {
	_, err := r.client.Get(ctx, rawKey)
	return err
}

func (r *rawEtcd) swap(ctx context.Context) error {
	res, err := r.client.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(rawKey), "=", r.revision)).
		Then(clientv3.OpPut(rawKey, r.value)).
		Commit()
	if err == nil && !res.Succeeded {
		err = errors.New("not updated")
	}
	if err == nil {
		r.revision = res.Header.Revision
	}
	return err
}

// rawNats reads and replaces one key of a bucket.
type rawNats struct {
	js       jetstream.JetStream
	kv       jetstream.KeyValue
	data     []byte
	revision uint64
}

func (r *rawNats) begin(ctx context.Context, rec *provider.Record) (err error) {
	r.data = rec.Data
	r.kv, err = r.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: rawKey})
	if err == nil {
		r.revision, err = r.kv.Put(ctx, rawKey, r.data)
	}
	return err
}

func (r *rawNats) get(ctx context.Context) error {
	_, err := r.kv.Get(ctx, rawKey)
	return err
}

func (r *rawNats) swap(ctx context.Context) (err error) {
	r.revision, err = r.kv.Update(ctx, rawKey, r.data, r.revision)
	return err
}

// rawSQL selects and updates one row of Holdfast's table, by prepared statements.
type rawSQL struct {
	db             *sql.DB
	provider       provider.Provider
	rec            *provider.Record
	choose, change *sql.Stmt
}

func (r *rawSQL) begin(ctx context.Context, rec *provider.Record) (err error) {
	r.rec = rec
	rec.ExpiresAt = time.Now().Add(idleTimeout)
	if err = r.provider.Save(ctx, rec, -1); err != nil {
		return err
	}
	if r.choose, err = r.db.Prepare("SELECT version, data FROM holdfast_sessions WHERE id = ?"); err != nil {
		return err
	}
	r.change, err = r.db.Prepare("UPDATE holdfast_sessions SET version = ?, expires_at = ?, data = ? WHERE id = ? AND version = ?")
	return err
}

func (r *rawSQL) get(ctx context.Context) error {
	var version int64
	var data []byte
	return r.choose.QueryRowContext(ctx, r.rec.ID).Scan(&version, &data)
}

func (r *rawSQL) swap(ctx context.Context) error {
	expires := provider.Millis(time.Now().Add(idleTimeout))
	result, err := r.change.ExecContext(ctx, r.rec.Version+1, expires, r.rec.Data, r.rec.ID, r.rec.Version)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errors.New("not updated"), err)
	}
	r.rec.Version++
	return nil
}
