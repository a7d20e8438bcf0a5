package sqlite_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// What is missing is reported where it is missing, and not by the first call.
func TestNilArguments(t *testing.T) {
	for name, f := range map[string]func(){
		"New":    func() { sqlite.New(nil) },
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
