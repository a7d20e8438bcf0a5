package sqlite_test

import (
	"os"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// The tests that need a driver are in internal/drivertest.

// The file can be used as it is.
func TestSchemaIsTheFile(t *testing.T) {
	file, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if got := sqlite.New(nil).Schema(); got != strings.ReplaceAll(string(file), "holdfast_sessions", `"holdfast_sessions"`) {
		t.Errorf("got\n%s", got)
	}
	if got := sqlite.New(nil, sqlite.Table(`a"b`)).Schema(); strings.Contains(got, "holdfast_sessions") || !strings.Contains(got, `"a""b" (`) {
		t.Errorf(`for a"b, got`+"\n%s", got)
	}
}

func TestImpossibleTableNamesPanic(t *testing.T) {
	for _, name := range []string{"", "a\x00", "\xff", "sqlite_sessions", "SQLite_x"} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("Table did not panic")
				}
			}()
			sqlite.Table(name)
		})
	}
}
