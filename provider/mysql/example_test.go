package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/go-sql-driver/mysql"

	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
	"github.com/holdfast-go/holdfast/session"
)

func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	store, err := mysqlprovider.Open(os.Getenv("DATABASE_URL")) // mysql://user:password@host/database
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

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

// The sessions use the application's connections.
func ExampleNew() {
	cfg, err := mysql.ParseDSN(os.Getenv("DSN")) // user:password@tcp(host)/database
	if err != nil {
		log.Fatal(err)
	}
	cfg.InterpolateParams = true // one trip for each statement
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20) // the default of 2 opens and closes connections all the time

	store := mysqlprovider.New(db)
	if err := store.CreateTable(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// A database of its own, and the SQL for the migration that creates the table.
func ExampleProvider_Schema() {
	store := mysqlprovider.New(nil, mysqlprovider.Table("app.sessions")) // nil: to print only
	fmt.Println(store.Schema())
}
