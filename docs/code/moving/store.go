package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/migrate"
	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
	redisprovider "github.com/holdfast-go/holdfast/provider/redis"
)

// openStore opens the store of the sessions, which move from Redis to PostgreSQL. The
// phase is "redis" before, "prepare" and "move" meanwhile, and "postgres" afterwards.
func openStore(ctx context.Context, phase string) (provider.Provider, error) {
	if phase == "redis" {
		return openRedis(ctx)
	}
	to, err := openPostgres(ctx)
	if err != nil || phase == "postgres" {
		return to, err
	}
	from, err := openRedis(ctx)
	if err != nil {
		return nil, err
	}
	switch phase {
	case "prepare":
		return migrate.New(from, to, migrate.Options{Prepare: true})
	case "move":
		return migrate.New(from, to, migrate.Options{})
	}
	return nil, fmt.Errorf("SESSION_PHASE is %q; set it to redis, prepare, move or postgres", phase)
}

func openRedis(ctx context.Context) (provider.Provider, error) {
	store, err := redisprovider.Open(os.Getenv("HOLDFAST_FROM"))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = store.Close() })
	return store, nil
}

func openPostgres(ctx context.Context) (provider.Provider, error) {
	pool, err := pgxpool.New(ctx, os.Getenv("HOLDFAST_TO"))
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, pool.Close)
	store := postgresprovider.New(pool)
	if err := store.CreateTable(ctx); err != nil {
		return nil, err
	}
	go store.PurgeEvery(ctx, 10*time.Minute)
	return store, nil
}
