package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
)

var errReplaced = errors.New("the file of the database was removed, renamed or replaced while it was open; what is saved now would be lost: put the file back, or restart the program to use the file that has its name now")

// A file notices that the database's file was removed or replaced. SQLite does not: it
// would read and write the old file, which nobody else sees, until the program ends.
type file struct{ opened atomic.Pointer[identity] }

// An identity is that of a file when it was opened. Without a path, as for a database in
// memory, there is nothing to check.
type identity struct {
	path string
	info os.FileInfo
}

// check is called before each call.
func (f *file) check(ctx context.Context, db *sql.DB) error {
	id := f.opened.Load()
	if id == nil {
		if id = identify(ctx, db); id == nil {
			return nil // the call itself reports what is wrong
		}
		f.opened.CompareAndSwap(nil, id)
	}
	if id.path == "" {
		return nil
	}
	info, err := os.Stat(id.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, id.info) {
		return &unsent{errReplaced}
	}
	return nil
}

// identify returns nil if the database cannot be opened.
func identify(ctx context.Context, db *sql.DB) *identity {
	path, err := pathOf(ctx, db)
	if err != nil {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return new(identity) // not a file of the operating system
	}
	return &identity{path, info}
}

// pathOf returns the path of the database's file, or "" if it is in memory.
func pathOf(ctx context.Context, db *sql.DB) (path string, err error) {
	err = db.QueryRowContext(ctx, "SELECT coalesce(file, '') FROM pragma_database_list WHERE name = 'main'").Scan(&path)
	return path, err
}
