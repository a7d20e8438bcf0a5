package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strings"
)

//go:embed schema.sql
var schema string

// Schema returns the SQL that creates the table, for a migration.
func (p *Provider) Schema() string {
	return strings.ReplaceAll(schema, defaultTable, p.table.quoted())
}

// CreateTable creates the table unless it exists. Any number of processes may call it
// concurrently, whenever they start. If the table exists, CreateTable only reads.
//
// It returns an error if the table exists but cannot be used, for example because a
// column or the unique index on the ID is missing, or if the database is not set up as
// this package needs it: see "Settings" in the package's documentation.
func (p *Provider) CreateTable(ctx context.Context) error {
	if err := p.checkSettings(ctx); err != nil {
		return err
	}
	faults, err := p.faults(ctx)
	if err != nil || faults.Valid {
		return p.unfit(faults, err)
	}
	createErr := p.inTurn(ctx, func() error {
		_, err := p.db.ExecContext(ctx, p.Schema())
		return err
	})
	// Only the table's existence matters.
	faults, err = p.faults(ctx)
	if err != nil || faults.Valid {
		return p.unfit(faults, err)
	}
	return createErr
}

func (p *Provider) unfit(faults sql.NullString, err error) error {
	if err == nil && faults.String != "" {
		err = fmt.Errorf("sqlite: table %s exists, but is not as it should be: %s; drop it, choose another with Table, or change it to what Schema returns", p.table.quoted(), faults.String)
	}
	return err
}

// faults returns what is wrong with the table, "" if nothing is, or NULL if there is none.
func (p *Provider) faults(ctx context.Context) (faults sql.NullString, err error) {
	err = p.queryRow(ctx, p.db, "SELECT ("+faultsSQL+")", []any{string(p.table)}, &faults)
	return faults, err
}

// settings are those of the connection and of the database that matter.
type settings struct {
	version     string
	encoding    string
	journal     string
	synchronous int
}

const settingsSQL = `
SELECT sqlite_version(),
	(SELECT encoding FROM pragma_encoding),
	(SELECT lower(journal_mode) FROM pragma_journal_mode),
	(SELECT synchronous FROM pragma_synchronous)`

func (p *Provider) checkSettings(ctx context.Context) error {
	var s settings
	if err := p.queryRow(ctx, p.db, settingsSQL, nil, &s.version, &s.encoding, &s.journal, &s.synchronous); err != nil {
		return err
	}
	path, err := p.path(ctx, p.db)
	if err != nil {
		return err
	}
	switch {
	case isOld(s.version):
		return fmt.Errorf("sqlite: the driver has SQLite %s, which is too old; use one with SQLite 3.44 or later", s.version)
	case s.encoding != "UTF-8":
		return fmt.Errorf("sqlite: the encoding of the database is %s, which sorts IDs in another order; create the database with PRAGMA encoding = 'UTF-8'", s.encoding)
	case path == "" && (p.reader != p.db || p.db.Stats().MaxOpenConnections != 1):
		return errors.New("sqlite: each connection to a database in memory has one of its own; call SetMaxOpenConns(1), and do not use Reader")
	case path != "" && s.journal != "wal":
		return fmt.Errorf("sqlite: the journal mode is %s, in which readers and writers keep each other waiting; run PRAGMA journal_mode = WAL once, or open the database with package opensqlite", s.journal)
	case s.synchronous == 0:
		return errors.New("sqlite: synchronous is OFF: a power failure may damage the database; set PRAGMA synchronous = FULL, or NORMAL, for each connection")
	}
	return p.checkReader(ctx, path)
}

// isOld reports whether a version lacks a function that the SQL of this package calls.
func isOld(version string) bool {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	return err == nil && (major < 3 || major == 3 && minor < 44)
}

// checkReader makes sure that the database for reading is the one that is written.
func (p *Provider) checkReader(ctx context.Context, path string) error {
	if p.reader == p.db {
		return nil
	}
	other, err := p.path(ctx, p.reader)
	if err != nil || other == path {
		return err
	}
	a, errA := os.Stat(path)
	b, errB := os.Stat(other)
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		return errors.New("sqlite: the database of Reader is another file than that of New; open the same file")
	}
	return nil
}

func (p *Provider) path(ctx context.Context, db *sql.DB) (path string, err error) {
	err = p.call(ctx, func() error {
		path, err = pathOf(ctx, db)
		return err
	})
	return path, err
}
