package etcd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/provider/etcd"
)

// What is missing is reported where it is missing, and not by the first call.
func TestNilArguments(t *testing.T) {
	for name, f := range map[string]func(){
		"New": func() { etcd.New(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "etcd: ") || !strings.HasSuffix(text, " is nil") {
					t.Errorf("it panics with %q", text)
				}
			}()
			f()
		})
	}
}
