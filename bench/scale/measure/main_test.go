package measure_test

import (
	"context"
	"flag"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

var (
	sessionCount = flag.Int("sessions", 2000, "fill each store with this `number` of sessions")
	clusterCount = flag.Int("cluster", 2000, "fill Redis Cluster with this `number` of sessions")
	rounds       = flag.Int("rounds", 2, "compare the sizes of a store in this `number` of rounds")
	period       = flag.Duration("period", 100*time.Millisecond, "let visitors go on for this `time` in each measurement")
	nodeTimeout  = flag.Duration("node-timeout", 500*time.Millisecond, "the cluster-node-timeout of Redis Cluster: how long a node is missing before it counts as failed")
	resultsFile  = flag.String("results", "", "append the results to this `file`")
	program      = flag.String("holdfast", "", "the `program` holdfast; built from this clone by default")
)

func TestMain(m *testing.M) {
	flag.Parse()
	goredis.SetLogger(silent{}) // it logs every failed dial while a server is down
	testserver.Main(m)
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
