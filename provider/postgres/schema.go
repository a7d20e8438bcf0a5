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
// It is an error if the table exists but lacks a column. The schema that it is in
// must exist.
func (p *Provider) CreateTable(ctx context.Context) error {
	lacking, err := p.lacking(ctx)
	if err != nil || lacking != nil {
		return p.incomplete(lacking, err)
	}
	createErr := p.exec(ctx, p.Schema())
	// IF NOT EXISTS fails if another creates the table at the same time. What
	// counts is that it is there now.
	lacking, err = p.lacking(ctx)
	if err != nil || lacking != nil {
		return p.incomplete(lacking, err)
	}
	return createErr
}

func (p *Provider) incomplete(lacking *string, err error) error {
	if err == nil && *lacking != "" {
		err = fmt.Errorf("postgres: table %s exists, but not with %s", p.table, *lacking)
	}
	return err
}

// lacking returns the columns that the table lacks, or nil if there is no table.
func (p *Provider) lacking(ctx context.Context) (columns *string, err error) {
	err = p.call(ctx, func() error {
		return p.db.QueryRow(ctx, p.sql.missing, string(p.table)).Scan(&columns)
	})
	return columns, err
}
