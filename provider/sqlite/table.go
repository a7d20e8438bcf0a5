package sqlite

import (
	"strings"
	"unicode/utf8"
)

const (
	defaultTable  = "holdfast_sessions"
	reservedNames = "sqlite_" // the beginning of the names that SQLite keeps for itself
)

// A table is the name of one.
type table string

func parseTable(name string) table {
	switch {
	case name == "" || strings.IndexByte(name, 0) >= 0 || !utf8.ValidString(name):
		panic("sqlite: Table has a name that is empty, contains a NUL or is not UTF-8")
	case strings.HasPrefix(strings.ToLower(name), reservedNames):
		panic("sqlite: Table has a name that begins with sqlite_, which is reserved")
	}
	return table(name)
}

// quoted returns the name for SQL.
func (t table) quoted() string { return `"` + strings.ReplaceAll(string(t), `"`, `""`) + `"` }

// in returns SQL with the name of the table and the common parts in it.
func (t table) in(sql string) string {
	return strings.NewReplacer("{table}", t.quoted(), "{live}", live, "{expired}", expired, "{columns}", columnNames, "{update}", update,
		"{told}", strings.TrimSuffix(strings.Repeat("(?, ?), ", rowsPerPurge), ", ")).Replace(sql)
}
