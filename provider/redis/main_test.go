package redis_test

import (
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(&logging.VoidLogger{}) // the servers here are down on purpose
	testserver.Main(m)
}
