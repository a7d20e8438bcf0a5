// Package stores is the code of docs/stores.md: how to open each store.
package stores

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/jackc/pgx/v5/pgxpool"
	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
	"github.com/holdfast-go/holdfast/provider/etcd"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
	natsprovider "github.com/holdfast-go/holdfast/provider/nats"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
	"github.com/holdfast-go/holdfast/provider/sealed"
	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
)

func openPostgres(ctx context.Context, url string) (provider.Provider, error) {
	pool, err := pgxpool.New(ctx, url) // postgres://user:password@host/database
	if err != nil {
		return nil, err
	}
	store := postgresprovider.New(pool)
	if err := store.CreateTable(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	context.AfterFunc(ctx, pool.Close)
	go store.PurgeEvery(ctx, 10*time.Minute) // until ctx ends
	return store, nil
}

func openSQLite(file string) (*opensqlite.Provider, error) {
	return opensqlite.Open(file) // "shop.db"; creates it, and purges it every ten minutes; Close it in the end
}

func openMySQL(ctx context.Context, url string) (*mysqlprovider.Provider, error) {
	store, err := mysqlprovider.Open(url) // mysql://user:password@host:3306/database; Close it in the end
	if err != nil {
		return nil, err
	}
	go store.PurgeEvery(ctx, 10*time.Minute) // until ctx ends
	return store, store.CreateTable(ctx)     // if it does not exist
}

func openEtcd(ctx context.Context, url string) (*etcd.Provider, error) {
	store, err := etcd.Open(url) // etcd://user:password@host:2379; Close it in the end
	if err != nil {
		return nil, err
	}
	go store.PurgeEvery(ctx, time.Hour) // until ctx ends
	return store, nil
}

func openNATS(ctx context.Context, url string) (*natsprovider.Provider, error) {
	store, err := natsprovider.Open(url) // nats://user:password@host:4222?bucket=sessions; Close it in the end
	if err != nil {
		return nil, err
	}
	return store, store.CreateBucket(ctx) // if it does not exist
}

func openRedis(url string) (*redisprovider.Provider, error) {
	return redisprovider.Open(url) // redis://user:password@host:6379/0; Close it in the end
}

func openSentinel(master string, sentinels ...string) (store *redisprovider.Provider, closeClient func() error) {
	client := goredis.NewFailoverClient(&goredis.FailoverOptions{
		MasterName:            master,
		SentinelAddrs:         sentinels,
		ContextTimeoutEnabled: true,
		DialerRetries:         1,
	})
	return redisprovider.New(client), client.Close
}

func openDynamoDB(ctx context.Context, table string) (provider.Provider, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	store := dynamodbprovider.New(dynamodb.NewFromConfig(cfg), table)
	return store, store.CreateTable(ctx) // if it does not exist
}

// encrypted returns a store that keeps its records in another one, encrypted.
func encrypted(store provider.Provider, key []byte) (provider.Provider, error) {
	return sealed.New(store, [][]byte{key}) // 32 random bytes
}
