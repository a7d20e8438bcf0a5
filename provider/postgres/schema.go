package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed schema.sql
var schema string

// Schema returns the SQL that creates the table in PostgreSQL, for a migration. For
// CockroachDB see CockroachSchema.
func (p *Provider) Schema() string { return p.named(schema) }

// CockroachSchema returns the SQL that creates the table in CockroachDB.
func (p *Provider) CockroachSchema() string { return p.named(cockroachSchema) }

// named returns a schema with the table's name.
func (p *Provider) named(schema string) string {
	return strings.ReplaceAll(schema, defaultTable, string(p.table))
}

// CreateTable creates the table unless it exists. Any number of instances may call it
// concurrently, whenever they start. If the table exists, CreateTable only checks it, and
// needs no privilege to create anything. In CockroachDB it creates the table of
// CockroachSchema.
//
// It returns an error if the table exists but cannot be used, for example because a
// column or the unique index on the ID is missing. The schema of the table must exist.
func (p *Provider) CreateTable(ctx context.Context) error {
	cockroach, err := p.isCockroach(ctx)
	if err != nil {
		return err
	}
	create, faultsOf := p.Schema(), p.faults
	if cockroach {
		create, faultsOf = p.CockroachSchema(), p.cockroachFaults
	}
	return p.createTable(ctx, create, faultsOf)
}

// createTable creates the table by that SQL unless it exists. FaultsOf returns what is
// wrong with the table, or nil if it does not exist.
func (p *Provider) createTable(ctx context.Context, create string, faultsOf func(context.Context) (*string, error)) error {
	faults, err := faultsOf(ctx)
	if err != nil || faults != nil {
		return p.unfit(faults, err)
	}
	_, createErr := p.exec(ctx, create)
	// IF NOT EXISTS fails if another instance creates the table at the same time. Only its
	// existence matters.
	faults, err = faultsOf(ctx)
	if err != nil || faults != nil {
		return p.unfit(faults, err)
	}
	return p.cannotCreate(createErr)
}

// cannotCreate explains an error of creating the table, which needs other privileges than
// other statements.
func (p *Provider) cannotCreate(err error) error {
	switch pg, _ := errors.AsType[*pgconn.PgError](err); code(pg) {
	case noPrivilege:
		return fmt.Errorf("postgres: the role may not create table %s; grant it CREATE on the schema, or let another role run the SQL of Schema: %w", p.table, pg)
	case invalidSchema:
		return fmt.Errorf("postgres: the schema that table %s is to be created in does not exist; create it, or name another with Table: %w", p.table, pg)
	default:
		return err
	}
}

func (p *Provider) unfit(faults *string, err error) error {
	if err == nil && *faults != "" {
		err = fmt.Errorf("postgres: table %s exists, but is not as it should be: %s; drop it, choose another with Table, or change it to what Schema returns", p.table, *faults)
	}
	return err
}

// faults returns what is wrong with the table, or nil.
func (p *Provider) faults(ctx context.Context) (faults *string, err error) {
	err = p.call(ctx, func(db DB) error {
		return db.QueryRow(ctx, p.sql.faults, string(p.table)).Scan(&faults)
	})
	return faults, err
}
