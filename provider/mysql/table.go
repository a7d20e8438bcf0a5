package mysql

import (
	"strings"
	"unicode/utf8"
)

const (
	defaultTable  = "holdfast_sessions"
	maxIdentifier = 64 // characters
)

// A table is the name of one, quoted for SQL.
type table string

func parseTable(name string) table {
	parts := strings.Split(name, ".")
	if len(parts) > 2 {
		panic("mysql: Table takes a name, or a database's and a name")
	}
	for i, part := range parts {
		if !validIdentifier(part) {
			panic("mysql: Table has a name that is empty, over 64 characters long, ends with a blank or is not UTF-8 of the Basic Multilingual Plane without NUL")
		}
		parts[i] = "`" + strings.ReplaceAll(part, "`", "``") + "`"
	}
	return table(strings.Join(parts, "."))
}

// https://dev.mysql.com/doc/refman/8.4/en/identifiers.html
func validIdentifier(name string) bool {
	forbidden := func(r rune) bool { return r == 0 || r > 0xffff }
	return name != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxIdentifier &&
		!strings.HasSuffix(name, " ") && !strings.ContainsFunc(name, forbidden)
}

// statements are the SQL of a Provider.
type statements struct {
	fetch, insert, update, replace, delete string // of the verbs
	clear                                  string // of a create over an expired record
	list                                   string // of List
	end, dead, purge, expired              string // of Purge; IDs are to follow purge and expired
	columns, indexes, create               string // of CreateTable
}

func (t table) statements() statements {
	in := strings.NewReplacer("{table}", string(t), "{live}", live, "{dead}", dead, "{values}", values).Replace
	return statements{
		fetch:   in(fetchSQL),
		insert:  in(insertSQL),
		update:  in(updateSQL),
		replace: in(replaceSQL),
		delete:  in(deleteSQL),
		clear:   in(clearSQL),
		list:    in(listSQL),
		end:     in(endSQL),
		dead:    in(deadSQL),
		purge:   in(purgeSQL),
		expired: in(expiredSQL),
		columns: in(columnsSQL),
		indexes: in(indexesSQL),
		create:  in(createSQL),
	}
}
