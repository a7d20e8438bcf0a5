package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// settings is a driver that answers each query with its first row: the path of the file,
// or the settings of the database.
type settings struct {
	failing
	version string
	row     []driver.Value
}

func (s settings) Connect(context.Context) (driver.Conn, error) { return s, nil }

func (s settings) Prepare(query string) (driver.Stmt, error) {
	s.row = []driver.Value{s.version, "UTF-8", "wal", int64(2)}
	if strings.Contains(query, "pragma_database_list") {
		s.row = []driver.Value{"/no/such/file"}
	}
	return s, nil
}

func (s settings) Query([]driver.Value) (driver.Rows, error) { return &s, nil }
func (s *settings) Columns() []string                        { return make([]string, len(s.row)) }

func (s *settings) Next(to []driver.Value) error {
	if s.row == nil {
		return io.EOF
	}
	copy(to, s.row)
	s.row = nil
	return nil
}

// An old version would not find out which records have expired.
func TestOldVersionsAreRefused(t *testing.T) {
	for version, old := range map[string]bool{"3.43.2": true, "3.9.1": true, "2.99.0": true, "3.44.0": false, "3.100.1": false, "4.0.0": false} {
		db := sql.OpenDB(settings{version: version})
		defer db.Close()
		err := sqlite.New(db).CreateTable(t.Context())
		if got := err != nil && strings.Contains(err.Error(), "too old"); got != old {
			t.Errorf("%s: got error %v", version, err)
		}
	}
}
