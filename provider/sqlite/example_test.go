package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/holdfast-go/holdfast/provider/sqlite"
	"github.com/holdfast-go/holdfast/session"
)

// With a driver of the program's choice, here github.com/ncruces/go-sqlite3/driver. It
// has one connection for writing and several for reading.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	writer, err := sql.Open("sqlite3", "file:shop.db?_pragma=busy_timeout(0)&_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		log.Fatal(err)
	}
	defer writer.Close()
	writer.SetMaxOpenConns(1)
	reader, err := sql.Open("sqlite3", "file:shop.db?_pragma=busy_timeout(0)&_pragma=query_only(1)")
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()

	store := sqlite.New(writer, sqlite.Reader(reader))
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

// The SQL for a migration that creates a table of another name.
func ExampleProvider_Schema() {
	store := sqlite.New(nil, sqlite.Table("app_sessions")) // nil: to print only
	fmt.Println(store.Schema())
}
