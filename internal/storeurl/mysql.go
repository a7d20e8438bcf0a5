package storeurl

import (
	"strings"
	"unicode/utf8"

	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

const maxMySQLIdentifier = 64 // characters

func openMySQL(storeURL string) (*Opened, error) {
	rest, table, found, err := cut(storeURL, "table")
	if err != nil {
		return nil, err
	}
	needs := "the table holdfast_sessions of MySQL"
	var options []mysqlprovider.Option
	if found {
		if !validMySQLTable(table) { // or Table panics
			return nil, errURL
		}
		needs = "the table " + table + " of MySQL"
		options = append(options, mysqlprovider.Table(table))
	}
	p, err := mysqlprovider.Open(rest, options...)
	if err != nil {
		return nil, err
	}
	return &Opened{Provider: p, Needs: needs, Purge: p.Purge, Close: func() { _ = p.Close() }, create: p.CreateTable}, nil
}

func validMySQLTable(name string) bool {
	parts := strings.Split(name, ".")
	for _, part := range parts {
		forbidden := func(r rune) bool { return r == 0 || r > 0xffff }
		if part == "" || utf8.RuneCountInString(part) > maxMySQLIdentifier || strings.HasSuffix(part, " ") || strings.ContainsFunc(part, forbidden) {
			return false
		}
	}
	return len(parts) <= 2
}
