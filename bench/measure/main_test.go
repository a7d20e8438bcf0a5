package measure_test

import (
	"context"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(silent{}) // it logs every failed dial of an outage
	testserver.Main(m)
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
