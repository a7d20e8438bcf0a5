package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/provider"
	dynamodbprovider "github.com/holdfast-go/holdfast/provider/dynamodb"
	"github.com/holdfast-go/holdfast/provider/memory"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
)

const storeUsage = "where sessions live, a `URL`: memory:, redis://host:port/db, postgres://user:password@host/database\n" +
	"or dynamodb://table?endpoint=http://host:port; a table that is missing is created"

// openStore returns the provider that a URL names, with its table. It is to be
// closed in the end.
func openStore(ctx context.Context, storeURL string) (p provider.Provider, closeStore func(), err error) {
	switch scheme, _, _ := strings.Cut(storeURL, ":"); scheme {
	case "memory":
		return memory.New(), func() {}, nil
	case "redis", "rediss", "unix":
		return openRedis(storeURL)
	case "postgres", "postgresql":
		return openPostgres(ctx, storeURL)
	case "dynamodb":
		return openDynamoDB(ctx, storeURL)
	}
	return nil, nil, errURL
}

var errURL = errors.New("-store: the URL is not valid; choose memory:, redis://user:password@host:port/db, " +
	"postgres://user:password@host:port/database or dynamodb://table?endpoint=http://host:port, with special characters percent-encoded")

func openRedis(storeURL string) (provider.Provider, func(), error) {
	p, err := redisprovider.Open(storeURL)
	if err != nil {
		return nil, nil, err
	}
	return p, func() { _ = p.Close() }, nil
}

func openPostgres(ctx context.Context, storeURL string) (provider.Provider, func(), error) {
	pool, err := pgxpool.New(ctx, storeURL)
	if err != nil {
		return nil, nil, errURL // err may quote the password
	}
	p := postgresprovider.New(pool)
	if err := createTable(ctx, p); err != nil {
		pool.Close()
		return nil, nil, err
	}
	go p.PurgeEvery(ctx, 10*time.Minute)
	return p, pool.Close, nil
}

// openDynamoDB takes region and credentials from where every AWS program does.
// DynamoDB Local, at an endpoint, is content with any.
func openDynamoDB(ctx context.Context, storeURL string) (provider.Provider, func(), error) {
	u, err := url.Parse(storeURL)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, nil, errURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	endpoint := query.Get("endpoint")
	query.Del("endpoint")
	if err != nil || len(query) > 0 {
		return nil, nil, errURL
	}
	var options []func(*config.LoadOptions) error
	if endpoint != "" {
		options = append(options,
			config.WithBaseEndpoint(endpoint),
			config.WithRegion("local"),
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, nil, err
	}
	p := dynamodbprovider.New(dynamodb.NewFromConfig(cfg), u.Host)
	if err := createTable(ctx, p); err != nil {
		return nil, nil, err
	}
	return p, func() {}, nil
}

// createTable gives up on a database that cannot be reached.
func createTable(ctx context.Context, p interface{ CreateTable(context.Context) error }) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := p.CreateTable(ctx); err != nil {
		return fmt.Errorf("create the table of -store: %w", err)
	}
	return nil
}
