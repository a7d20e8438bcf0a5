package testserver_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

func TestOwnServersEndWithTheTest(t *testing.T) {
	dir := tempDir(t)
	eachStore(t, func(t *testing.T, store store) {
		var s *testserver.Server
		var family []int
		t.Run("running", func(t *testing.T) {
			s = store.start(t)
			family = append(testserver.Children(s.Pid()), s.Pid())
		})
		for _, pid := range family {
			if !gone(pid) {
				t.Errorf("process %d is still there", pid)
			}
		}
		wantEmpty(t, dir)
	})
}

// gone is also said of the dead whom nobody has waited for.
func gone(pid int) bool {
	state := testserver.State(pid)
	return state == 0 || state == 'Z'
}

func TestPostgresLeavesNoSharedMemory(t *testing.T) {
	dir := tempDir(t)
	var segment string
	t.Run("running", func(t *testing.T) {
		testserver.Postgres(t)
		files, _ := filepath.Glob(filepath.Join(dir, "*", "data", "postmaster.pid"))
		if len(files) != 1 {
			t.Fatalf("found %v", files)
		}
		status, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		segment = strings.Fields(strings.Split(string(status), "\n")[6])[1]
		if runtime.GOOS == "linux" && !slices.Contains(segments(t), segment) {
			t.Errorf("no segment %s", segment)
		}
	})
	if slices.Contains(segments(t), segment) {
		t.Errorf("segment %s is still there", segment)
	}
}

// segments returns the IDs of the System V shared memory of this machine.
func segments(t *testing.T) (ids []string) {
	table, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		ids = append(ids, strings.Fields(line)[1])
	}
	return ids
}

func TestOwnServersAreNotShared(t *testing.T) {
	if a, b := testserver.Redis(t), testserver.Redis(t); a.Addr == b.Addr {
		t.Error("two servers have the same address", a.Addr)
	}
}

var sharedServers = []struct {
	name, env, given string
	addrs            func(testing.TB) []string
}{
	{"Redis", "HOLDFAST_TEST_REDIS_ADDR", "localhost:1", one(testserver.SharedRedis)},
	{"cluster", "HOLDFAST_TEST_REDIS_CLUSTER_ADDRS", "localhost:1,localhost:2", testserver.RedisCluster},
	{"Postgres", "HOLDFAST_TEST_POSTGRES_URL", "postgres://localhost:1", one(testserver.SharedPostgres)},
	{"MariaDB", "HOLDFAST_TEST_MYSQL_URL", "mysql://localhost:1", one(testserver.SharedMariaDB)},
	{"DynamoDB", "HOLDFAST_TEST_DYNAMODB_ENDPOINT", "http://localhost:1", one(testserver.SharedDynamoDB)},
	{"etcd", "HOLDFAST_TEST_ETCD_URL", "etcd://localhost:1", one(testserver.SharedEtcd)},
	{"NATS", "HOLDFAST_TEST_NATS_URL", "nats://localhost:1", one(testserver.SharedNats)},
	{"NATS cluster", "HOLDFAST_TEST_NATS_CLUSTER_URL", "nats://localhost:1,localhost:2", one(testserver.SharedNatsCluster)},
}

func one(f func(testing.TB) string) func(testing.TB) []string {
	return func(tb testing.TB) []string { return []string{f(tb)} }
}

func TestSharedServersAreStartedOnce(t *testing.T) {
	for _, shared := range sharedServers {
		t.Run(shared.name, func(t *testing.T) {
			t.Setenv(shared.env, "")
			if a, b := shared.addrs(t), shared.addrs(t); !slices.Equal(a, b) {
				t.Errorf("at %v, then at %v", a, b)
			}
		})
	}
}

func TestSharedServersMayBeNamed(t *testing.T) {
	for _, shared := range sharedServers {
		t.Run(shared.name, func(t *testing.T) {
			t.Setenv(shared.env, shared.given)
			if got := strings.Join(shared.addrs(t), ","); got != shared.given {
				t.Errorf("got %s, want %s", got, shared.given)
			}
		})
	}
}

func TestRedisClusterIsComplete(t *testing.T) {
	t.Setenv("HOLDFAST_TEST_REDIS_CLUSTER_ADDRS", "")
	addrs := testserver.RedisCluster(t)
	if len(addrs) != 3 {
		t.Fatalf("%d nodes", len(addrs))
	}
	for _, addr := range addrs {
		slots, err := testserver.RedisCommand(addr, "CLUSTER INFO")
		if err != nil || !strings.Contains(slots, "cluster_slots_ok:16384") {
			t.Errorf("%s: %v\n%s", addr, err, slots)
		}
	}
}

func TestReplicaOfRedisClusterTakesOver(t *testing.T) {
	servers := testserver.RedisClusterWithReplicas(t, "--cluster-node-timeout", "500")
	servers[1].Kill()
	err := testserver.Poll(func() error {
		role, err := testserver.RedisCommand(servers[4].Addr, "INFO replication")
		if err == nil && !strings.Contains(role, "role:master") {
			err = errors.New(role)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRedisReplicaFollows(t *testing.T) {
	primary, replica := testserver.RedisReplica(t)
	if err := redisPut(primary, "value"); err != nil {
		t.Fatal(err)
	}
	err := testserver.Poll(func() error {
		got, err := redisGet(replica)
		if err == nil && got != "value" {
			err = fmt.Errorf("the replica has %q", got)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
