package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/provider/postgres"
)

// What is missing is reported where it is missing, and not by the first call.
func TestNilArguments(t *testing.T) {
	for name, f := range map[string]func(){
		"New":               func() { postgres.New(nil) },
		"New of a nil pool": func() { postgres.New((*pgxpool.Pool)(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "postgres: ") || !strings.HasSuffix(text, " is nil") {
					t.Errorf("it panics with %q", text)
				}
			}()
			f()
		})
	}
}
