package storeurl

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	postgresprovider "github.com/holdfast-go/holdfast/provider/postgres"
)

const maxIdentifier = 63 // bytes of a name that PostgreSQL keeps

func openPostgres(ctx context.Context, storeURL string) (*Opened, error) {
	rest, table, found, err := cut(storeURL, "table")
	if err != nil {
		return nil, err
	}
	needs := "the table holdfast_sessions of PostgreSQL"
	var options []postgresprovider.Option
	if found {
		if !validTable(table) { // or Table panics
			return nil, errURL
		}
		needs = "the table " + table + " of PostgreSQL"
		options = append(options, postgresprovider.Table(table))
	}
	pool, err := pgxpool.New(ctx, rest)
	if err != nil {
		return nil, errURL // err may quote the password
	}
	p := postgresprovider.New(pool, options...)
	return &Opened{Provider: p, Needs: needs, Purge: p.Purge, Close: pool.Close, create: p.CreateTable}, nil
}

func validTable(name string) bool {
	parts := strings.Split(name, ".")
	for _, part := range parts {
		if part == "" || len(part) > maxIdentifier || strings.IndexByte(part, 0) >= 0 {
			return false
		}
	}
	return len(parts) <= 2
}
