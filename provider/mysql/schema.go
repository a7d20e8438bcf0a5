package mysql

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
)

//go:embed schema.sql
var schema string

// Schema returns the SQL that creates the table, for a migration.
func (p *Provider) Schema() string {
	return strings.ReplaceAll(schema, defaultTable, string(p.table))
}

// CreateTable creates the table unless it exists. Any number of instances may call it
// concurrently, whenever they start. If the table exists, CreateTable only checks it, and
// needs no privilege to create anything.
//
// It returns an error if the table exists but cannot be used, for example because a
// column or the unique index on the ID is missing, or because its engine is not InnoDB.
// The database of the table must exist.
func (p *Provider) CreateTable(ctx context.Context) error {
	exists, err := p.checkTable(ctx)
	if err != nil || exists {
		return err
	}
	_, createErr := p.exec(ctx, p.Schema())
	// Another instance may have created it meanwhile. Only its existence matters.
	exists, err = p.checkTable(ctx)
	if err != nil || exists {
		return err
	}
	return p.cannotCreate(createErr)
}

// cannotCreate explains an error of creating the table, which needs other privileges than
// other statements.
func (p *Provider) cannotCreate(err error) error {
	reply, _ := errors.AsType[*mysql.MySQLError](err)
	switch numberOf(err) {
	case tableDenied, databaseDenied:
		return fmt.Errorf("mysql: the user may not create table %s; grant it CREATE, or let another user run the SQL of Schema: %w", p.table, reply)
	default:
		return err
	}
}

// checkTable reports whether the table exists, and returns an error if it cannot be used.
func (p *Provider) checkTable(ctx context.Context) (exists bool, err error) {
	var found shape
	err = p.call(ctx, func(conn *sql.Conn) error {
		found, err = p.shape(ctx, conn)
		return err
	})
	switch {
	case numberOf(err) == noSuchTable:
		return false, nil
	case err != nil:
		return false, err
	}
	if faults := found.faults(); len(faults) > 0 {
		return true, fmt.Errorf("mysql: table %s exists, but is not as it should be: %s; drop it, choose another with Table, or change it to what Schema returns", p.table, strings.Join(faults, ", "))
	}
	return true, nil
}

// A shape is what the server tells about a table.
type shape struct {
	columns, indexes []map[string]string
	create           string
}

func (p *Provider) shape(ctx context.Context, conn *sql.Conn) (s shape, err error) {
	if s.columns, err = showOn(ctx, conn, p.sql.columns); err != nil {
		return s, err
	}
	if s.indexes, err = showOn(ctx, conn, p.sql.indexes); err != nil {
		return s, err
	}
	created, err := showOn(ctx, conn, p.sql.create)
	if err == nil && len(created) == 1 {
		s.create = created[0]["Create Table"] // a view has none
	}
	return s, err
}

func (s shape) faults() (faults []string) {
	switch {
	case s.create == "":
		faults = append(faults, "it is no table")
	case !isInnoDB.MatchString(s.create):
		faults = append(faults, "its engine is not InnoDB, which alone makes each save atomic and durable")
	}
	found := map[string]bool{}
	for _, column := range s.columns {
		name := strings.ToLower(column["Field"])
		want, ours := wantColumns[name]
		found[name] = ours && want.fits(column["Type"])
		if !ours && isDemanded(column) {
			faults = append(faults, "column "+name+" is NOT NULL without a default")
		}
	}
	for _, name := range []string{"id", "version", "expires_at", "format", "data"} {
		if !found[name] {
			faults = append(faults, "no column "+name+" "+wantColumns[name].name)
		}
	}
	if !s.hasKey() {
		faults = append(faults, "no unique index on id alone")
	}
	return faults
}

var isInnoDB = regexp.MustCompile(`(?i)\bENGINE\s*=\s*InnoDB\b`)

// A columnType is one that a column has to have.
type columnType struct {
	name string
	fits func(actual string) bool
}

var (
	shortBytes = columnType{"VARBINARY(255)", holds255}
	bigint     = columnType{"BIGINT", isBigint}

	wantColumns = map[string]columnType{
		"id":         shortBytes,
		"version":    bigint,
		"expires_at": bigint,
		"format":     shortBytes,
		"data":       {"LONGBLOB", func(actual string) bool { return strings.EqualFold(actual, "longblob") }},
	}
)

func holds255(actual string) bool {
	match := varbinary.FindStringSubmatch(actual)
	if match == nil {
		return false
	}
	n, err := strconv.Atoi(match[1])
	return err == nil && n >= 255
}

var varbinary = regexp.MustCompile(`(?i)^varbinary\((\d+)\)$`)

// isBigint accepts bigint and, from older servers, bigint(20).
func isBigint(actual string) bool { return bigintType.MatchString(actual) }

var bigintType = regexp.MustCompile(`(?i)^bigint(\(\d+\))?$`)

// isDemanded reports whether each INSERT must give a value for a column.
func isDemanded(column map[string]string) bool {
	extra := strings.ToLower(column["Extra"])
	_, hasDefault := column["Default"]
	return column["Null"] == "NO" && !hasDefault &&
		!strings.Contains(extra, "auto_increment") && !strings.Contains(extra, "generated")
}

// hasKey reports whether a unique index has the whole ID as its only column.
func (s shape) hasKey() bool {
	type key struct {
		columns int
		fits    bool
	}
	keys := map[string]key{}
	for _, part := range s.indexes {
		k := keys[part["Key_name"]]
		k.columns++
		k.fits = part["Non_unique"] == "0" && strings.EqualFold(part["Column_name"], "id") && part["Sub_part"] == ""
		keys[part["Key_name"]] = k
	}
	for _, k := range keys {
		if k.columns == 1 && k.fits {
			return true
		}
	}
	return false
}
