package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// A database that is missing is named. Without one, New is for Schema alone.
func TestNilArguments(t *testing.T) {
	for name, f := range map[string]func(){
		"New":    func() { _, _ = sqlite.New(nil).Fetch(t.Context(), "x") },
		"Reader": func() { sqlite.Reader(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "sqlite: ") || !strings.HasSuffix(text, " is nil") {
					t.Errorf("it panics with %q", text)
				}
			}()
			f()
		})
	}
}
