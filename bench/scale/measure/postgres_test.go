package measure_test

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
)

const postgresTable = "holdfast_sessions"

func startPostgres(t *testing.T) *store {
	server := testserver.Postgres(t)
	return &store{
		large: server.URL,
		small: server.URL + "&table=small_sessions",
		bulk:  newPostgresBulk,
		kills: []kill{{victim: server}},
		sizes: func(ctx context.Context) (map[string]int64, error) {
			conn, err := pgx.Connect(ctx, server.URL)
			if err != nil {
				return nil, err
			}
			defer conn.Close(ctx)
			var table, index, wal int64
			err = conn.QueryRow(ctx, "SELECT pg_table_size($1::text::regclass), pg_indexes_size($1::text::regclass), (SELECT sum(size)::bigint FROM pg_ls_waldir())",
				postgresTable).Scan(&table, &index, &wal)
			return map[string]int64{"table": table, "index": index, "WAL": wal}, err
		},
		backup: ownBackup{"pg_dump", func(ctx context.Context, dir string) (int64, error) { return pgDump(ctx, server.URL, dir) }},
	}
}

// pgDump makes a dump, which pg_dump compresses as fast as it can.
func pgDump(ctx context.Context, server, dir string) (int64, error) {
	program, err := exec.LookPath("pg_dump")
	if err != nil { // Debian's folder is not in PATH
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
		if len(found) == 0 {
			return 0, err
		}
		program = found[len(found)-1]
	}
	said, err := exec.CommandContext(ctx, program, "--format=custom", "--compress=1", "--table="+postgresTable, "--file="+filepath.Join(dir, "dump"), server).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pg_dump: %w\n%s", err, said)
	}
	return folderBytes(dir)
}

// postgresBulk copies each batch into the table.
type postgresBulk struct {
	conn  *pgx.Conn
	table pgx.Identifier
}

func newPostgresBulk(ctx context.Context, storeURL string) (bulkWriter, error) {
	u, err := url.Parse(storeURL)
	if err != nil {
		return nil, err
	}
	table, query := postgresTable, u.Query()
	if query.Has("table") {
		table = query.Get("table")
		query.Del("table")
		u.RawQuery = query.Encode()
	}
	conn, err := pgx.Connect(ctx, u.String())
	return &postgresBulk{conn, pgx.Identifier{table}}, err
}

func (p *postgresBulk) write(ctx context.Context, recs []*provider.Record) error {
	_, err := p.conn.CopyFrom(ctx, p.table, []string{"id", "version", "expires_at", "format", "data"},
		pgx.CopyFromSlice(len(recs), func(i int) ([]any, error) {
			r := recs[i]
			return []any{r.ID, r.Version, r.ExpiresAt, r.Format, r.Data}, nil
		}))
	return err
}

// close leaves the table as autovacuum would.
func (p *postgresBulk) close() error {
	ctx := context.Background()
	defer p.conn.Close(ctx)
	if _, err := p.conn.Exec(ctx, "VACUUM (ANALYZE) "+p.table.Sanitize()); err != nil {
		return err
	}
	_, err := p.conn.Exec(ctx, "CHECKPOINT")
	return err
}
