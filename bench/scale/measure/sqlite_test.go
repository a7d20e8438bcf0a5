package measure_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/ncruces/go-sqlite3/driver"

	"github.com/holdfast-go/holdfast/provider"
)

func startSQLite(t *testing.T) *store {
	dir := t.TempDir()
	file := filepath.Join(dir, "large.db")
	return &store{
		large: "sqlite:" + file,
		small: "sqlite:" + filepath.Join(dir, "small.db"),
		bulk:  newSQLiteBulk,
		sizes: func(context.Context) (map[string]int64, error) {
			sizes := map[string]int64{}
			for part, name := range map[string]string{"file": file, "WAL": file + "-wal"} {
				info, err := os.Stat(name)
				if err == nil {
					sizes[part] = info.Size()
				} else if !os.IsNotExist(err) {
					return nil, err
				}
			}
			return sizes, nil
		},
		backup: ownBackup{"VACUUM INTO", func(ctx context.Context, dir string) (int64, error) { return vacuumInto(ctx, file, dir) }},
	}
}

func vacuumInto(ctx context.Context, file, dir string) (int64, error) {
	db, err := sql.Open("sqlite3", "file:"+file)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", filepath.Join(dir, "copy.db")); err != nil {
		return 0, err
	}
	return folderBytes(dir)
}

// batchesPerCommit is how many batches sqliteBulk inserts in one transaction. IDs are random,
// so a transaction changes pages all over the index, and a short one most of them for a few
// rows. The pages of a transaction must fit the cache.
const batchesPerCommit = 100

// sqliteBulk inserts rows in long transactions.
type sqliteBulk struct {
	db      *sql.DB
	tx      *sql.Tx // nil: none has begun
	batches int     // in tx
}

func newSQLiteBulk(_ context.Context, url string) (bulkWriter, error) {
	db, err := sql.Open("sqlite3", "file:"+strings.TrimPrefix(url, "sqlite:")+
		"?_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=cache_size(-200000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &sqliteBulk{db: db}, nil
}

func (s *sqliteBulk) write(ctx context.Context, recs []*provider.Record) (err error) {
	if s.tx == nil {
		if s.tx, err = s.db.BeginTx(ctx, nil); err != nil {
			return err
		}
	}
	insert, err := s.tx.PrepareContext(ctx, "INSERT INTO holdfast_sessions (id, version, expires_at, format, data) VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, rec := range recs {
		if _, err := insert.ExecContext(ctx, rec.ID, rec.Version, provider.Millis(rec.ExpiresAt), rec.Format, rec.Data); err != nil {
			return err
		}
	}
	if s.batches++; s.batches == batchesPerCommit {
		return s.commit()
	}
	return nil
}

func (s *sqliteBulk) commit() error {
	if s.tx == nil {
		return nil
	}
	tx := s.tx
	s.tx, s.batches = nil, 0
	return tx.Commit()
}

func (s *sqliteBulk) close() error {
	err := s.commit()
	if err == nil {
		_, err = s.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return errors.Join(err, s.db.Close())
}
