package redis_test

import (
	"fmt"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/provider/redis"
)

// What is missing is reported where it is missing, and not by the first call.
func TestNilArguments(t *testing.T) {
	for name, f := range map[string]func(){
		"New":                 func() { redis.New(nil) },
		"New of a nil client": func() { redis.New((*goredis.Client)(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.HasPrefix(text, "redis: ") || !strings.HasSuffix(text, " is nil") {
					t.Errorf("it panics with %q", text)
				}
			}()
			f()
		})
	}
}
