package storeurl

import (
	"github.com/holdfast-go/holdfast/provider/sqlite/opensqlite"
)

// openSQLite opens a database. Only createSQLite creates its file.
func openSQLite(storeURL string) (*Opened, error) {
	return sqlite(storeURL, opensqlite.MustExist())
}

func createSQLite(storeURL string) (*Opened, error) { return sqlite(storeURL) }

func sqlite(storeURL string, options ...opensqlite.Option) (*Opened, error) {
	_, table, found, err := cut(storeURL, "table")
	if err != nil {
		return nil, err
	}
	if !found {
		table = "holdfast_sessions"
	}
	p, err := opensqlite.Open(storeURL, append(options, opensqlite.PurgeInterval(0))...)
	if err != nil {
		return nil, err
	}
	return &Opened{
		Provider: p,
		Needs:    "the table " + table + " of SQLite",
		Purge:    p.Purge,
		Close:    func() { _ = p.Close() },
	}, nil
}
