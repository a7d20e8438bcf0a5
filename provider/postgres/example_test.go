package postgres_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/provider/postgres"
	"github.com/holdfast-go/holdfast/session"
)

func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()

	store := postgres.New(pool)
	if err := store.CreateTable(ctx); err != nil {
		log.Fatal(err)
	}
	go store.PurgeEvery(ctx, 10*time.Minute)

	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_ = sessions // wrap the handlers in it
}

// A schema of its own, and the SQL for the migration that creates the table.
func ExampleProvider_Schema() {
	store := postgres.New(nil, postgres.Table("app.sessions")) // nil: to print only
	fmt.Println(store.Schema())
}
