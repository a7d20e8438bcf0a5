package postgres

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
)

//go:embed schema.sql
var schema string

// Schema returns the SQL that creates the table, for a migration.
func (p *Provider) Schema() string {
	return strings.ReplaceAll(schema, defaultTable, string(p.table))
}

// CreateTable creates the table unless it exists. Any number of instances may
// call it at once, whenever they start. If the table exists, that takes no more
// than to look at it, and no privilege to create anything.
//
// It is an error if the table exists but cannot serve: without one of the columns
// or a unique index on the ID, for example. The schema that it is in must exist.
func (p *Provider) CreateTable(ctx context.Context) error {
	faults, err := p.faults(ctx)
	if err != nil || faults != nil {
		return p.unfit(faults, err)
	}
	_, createErr := p.exec(ctx, p.Schema())
	// IF NOT EXISTS fails if another creates the table at the same time. What
	// counts is that it is there now.
	faults, err = p.faults(ctx)
	if err != nil || faults != nil {
		return p.unfit(faults, err)
	}
	return createErr
}

func (p *Provider) unfit(faults *string, err error) error {
	if err == nil && *faults != "" {
		err = fmt.Errorf("postgres: table %s exists, but is not as it should be: %s; drop it, choose another with Table, or change it to what Schema returns", p.table, *faults)
	}
	return err
}

// faults returns what is wrong with the table, or nil if there is none.
func (p *Provider) faults(ctx context.Context) (faults *string, err error) {
	err = p.call(ctx, func(db DB) error {
		return db.QueryRow(ctx, p.sql.faults, string(p.table)).Scan(&faults)
	})
	return faults, err
}
