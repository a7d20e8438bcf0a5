package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/holdfast-go/holdfast/provider/postgres"
)

// A database that is missing is named. Without one, New is for Schema alone.
func TestNilArguments(t *testing.T) {
	for name, f := range map[string]func(){
		"New":               func() { _, _ = postgres.New(nil).Fetch(t.Context(), "x") },
		"New of a nil pool": func() { _, _ = postgres.New((*pgxpool.Pool)(nil)).Fetch(t.Context(), "x") },
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
