package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	defaultTable  = "holdfast_sessions"
	maxIdentifier = 63 // NAMEDATALEN - 1; the rest is cut off silently
)

// A table is the name of one, quoted for SQL.
type table string

func parseTable(name string) table {
	parts := strings.Split(name, ".")
	if len(parts) > 2 {
		panic("postgres: Table takes a name, or a schema's and a name")
	}
	for _, part := range parts {
		if part == "" || len(part) > maxIdentifier || strings.IndexByte(part, 0) >= 0 {
			panic("postgres: Table has a name that is empty, over 63 bytes long or contains a NUL")
		}
	}
	return table(pgx.Identifier(parts).Sanitize())
}

// statements are the SQL of a Provider.
type statements struct {
	fetch, create, update, put, delete string // of the verbs
	list                               string // of List
	blocks, purge, expired, remove     string // of Purge
	faults                             string // of CreateTable

	cockroachList, cockroachStep, cockroachPurge, cockroachExpired string // of List and Purge in CockroachDB
}

func (t table) statements() statements {
	in := strings.NewReplacer("{table}", string(t), "{live}", live, "{columns}", selected).Replace
	return statements{
		fetch:   in(fetchSQL),
		create:  in(createSQL),
		update:  in(updateSQL),
		put:     in(putSQL),
		delete:  in(deleteSQL),
		list:    in(listSQL),
		blocks:  in(blocksSQL),
		purge:   in(purgeSQL),
		expired: in(expiredSQL),
		remove:  in(removeSQL),
		faults:  in(faultsSQL),

		cockroachList:    in(cockroachListSQL),
		cockroachStep:    in(cockroachStepSQL),
		cockroachPurge:   in(cockroachPurgeSQL),
		cockroachExpired: in(cockroachExpiredSQL),
	}
}
