package stores

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"testing"
	"unsafe"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// MySQL is provider/mysql on MariaDB, with a table per space.
var MySQL = Store{
	Name:   "mysql",
	shared: testserver.SharedMariaDB,
	open: func(tb testing.TB, url, space string) (provider.Provider, func(context.Context)) {
		p, err := mysqlprovider.Open(url, mysqlprovider.Table(space))
		if err != nil {
			tb.Fatalf("stores: mysql: %v", err)
		}
		tb.Cleanup(func() { p.Close() })
		db := databaseOf(p)
		db.SetMaxOpenConns(maxConns)
		db.SetMaxIdleConns(maxConns)
		tells(tb, p, func() string { return fmt.Sprintf("database/sql: %+v", db.Stats()) })
		return p, func(ctx context.Context) { db.ExecContext(ctx, "DROP TABLE IF EXISTS "+space) }
	},
}

// databaseOf returns the connections of a provider that has made them itself.
func databaseOf(p *mysqlprovider.Provider) *sql.DB {
	field := reflect.ValueOf(p).Elem().FieldByName("db")
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Interface().(*sql.DB)
}
