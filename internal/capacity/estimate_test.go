package capacity_test

import (
	"math"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/capacity"
)

func estimate(t *testing.T, kind string, l capacity.Load) *capacity.Estimate {
	t.Helper()
	e, err := capacity.Of(kind, l)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestRecords(t *testing.T) {
	for kind, expired := range map[string]float64{
		"redis":  0,
		"nats":   60 + 15 + 30,        // a minute of sessions, owner indexes and tombstones
		"sqlite": 10 * (60 + 30 + 15), // PurgeEvery
		"etcd":   60 * (60 + 30 + 15),
	} {
		want := capacity.Records{Sessions: 3600, Indexes: 900, Tombstones: 150, Expired: expired}
		if got := estimate(t, kind, oneASecond()).Records; got != want {
			t.Errorf("%s: got %+v, want %+v", kind, got, want)
		}
	}
}

// The room is the sum of all records.
func TestRoom(t *testing.T) {
	l := oneASecond()
	sum := func(kind string, sessions, indexes, tombstones float64) float64 {
		return sessions*capacity.RoomOf(kind, l.Bytes) + indexes*capacity.RoomOf(kind, 40+2*64+16) + tombstones*capacity.RoomOf(kind, 80)
	}
	redis := estimate(t, "redis", l)
	if want := sum("redis", 3600, 900, 150); !same(redis.Memory, want) || !same(redis.BytesOfSession, want/3600) {
		t.Errorf("redis: %v bytes of memory, %v a session; want %v", redis.Memory, redis.BytesOfSession, want)
	}
	sqlite := estimate(t, "sqlite", l)
	if want := sum("sqlite", 3600+600, 900+150, 150+300) + 4<<20; !same(sqlite.Disk, want) || sqlite.Memory != 0 {
		t.Errorf("sqlite: %v bytes of disk, %v of memory; want %v", sqlite.Disk, sqlite.Memory, want)
	}
	// Replaced versions stay for five minutes.
	etcd := estimate(t, "etcd", l)
	want := sum("etcd", 3600+3600, 900+900, 150+1800) + etcd.Rates.Saves*300*capacity.RoomOf("etcd", 300) + 320<<20
	if !same(etcd.Disk, want) {
		t.Errorf("etcd: %v bytes of disk; want %v", etcd.Disk, want)
	}
}

func same(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Abs(b) }

func TestReplicas(t *testing.T) {
	for _, tc := range []struct {
		kind             string
		replicas, copies int
	}{{"redis", -1, 1}, {"redis", 2, 3}, {"redis-cluster", -1, 2}, {"etcd", -1, 3}, {"etcd", 0, 1}} {
		l := oneASecond()
		l.Replicas = tc.replicas
		if got := estimate(t, tc.kind, l).Copies; got != tc.copies {
			t.Errorf("%s with %d replicas: %d copies, want %d", tc.kind, tc.replicas, got, tc.copies)
		}
	}
}

// Of records of 1024 bytes one unit is needed for each save, and of one byte more two.
func TestDynamoDBUnits(t *testing.T) {
	for bytes, units := range map[int64]struct{ reads, writes float64 }{
		1024 - 107:    {1, 1},
		1024 - 106:    {1, 2},
		4096 - 107:    {1, 4},
		4096 - 106:    {2, 5},
		40*1024 - 107: {10, 40},
	} {
		l := oneASecond()
		l.Bytes = bytes
		e := estimate(t, "dynamodb", l)
		if got, want := *e.Units, (capacity.Units{Reads: e.Rates.Fetches * units.reads, Writes: e.Rates.Saves * units.writes}); got != want {
			t.Errorf("%d bytes: %+v, want %+v", bytes, got, want)
		}
	}
}

// A million requests a second, for a month of 730 hours: 2.628 million million units.
func TestDynamoDBMoney(t *testing.T) {
	e := estimate(t, "dynamodb", oneASecond())
	const month = 730 * 3600
	want := e.Rates.Fetches*month/1e6*0.125 + e.Rates.Saves*month/1e6*0.625 // less than 25 GB is free
	if e.Disk > 25<<30 || !same(e.Money.Total, want) {
		t.Errorf("%v dollars for %v bytes; want %v", e.Money.Total, e.Disk, want)
	}

	l := oneASecond()
	l.Bytes = 300_000
	e = estimate(t, "dynamodb", l)
	storage := e.Money.Costs[2]
	if want := (e.Disk/(1<<30) - 25) * 0.25; want <= 0 || !same(storage.Dollars, want) {
		t.Errorf("%v bytes cost %v dollars; want %v", e.Disk, storage.Dollars, want)
	}
}

func TestCloudflareMoney(t *testing.T) {
	l := oneASecond()
	l.Requests = 1e4
	e := estimate(t, "cloudflare", l)
	const month = 730 * 3600
	calls := (e.Rates.Fetches + e.Rates.Saves) * month
	want := (calls-10e6)/1e6*0.30 + (calls-1e6)/1e6*0.15 + (16*0.128*month-400_000)/1e6*12.50 +
		(calls-25e9)/1e6*0.001 + (e.Rates.Saves*month-50e6)/1e6
	if !same(e.Money.Total, want) {
		t.Errorf("%v dollars; want %v", e.Money.Total, want)
	}
}

// A store is in use for its calls' times and the way to it.
func TestConnections(t *testing.T) {
	l := oneASecond()
	once := estimate(t, "redis", l)
	l.Sessions, l.Requests = 10*l.Sessions, 10*l.Requests
	tenTimes := estimate(t, "redis", l)
	if once.Connections <= 0 || !same(tenTimes.Connections, 10*once.Connections) || !same(tenTimes.Network, 10*once.Network) {
		t.Errorf("%v and %v connections, %v and %v bytes a second", once.Connections, tenTimes.Connections, once.Network, tenTimes.Network)
	}
	if e := estimate(t, "sqlite", l); e.Connections != 0 || e.Network != 0 {
		t.Errorf("sqlite: %v connections, %v bytes a second", e.Connections, e.Network)
	}
}

func TestLimits(t *testing.T) {
	for _, kind := range capacity.Stores() {
		t.Run(kind, func(t *testing.T) {
			small := estimate(t, kind, oneASecond())
			for i, l := range small.Limits {
				if l.Source == "" || l.Most <= 0 || l.Share != l.Needed/l.Most || i > 0 && l.Share > small.Limits[i-1].Share {
					t.Errorf("%+v", l)
				}
			}
			most := small.AtLimit()
			if share := most.Limits[0].Share; share > 1 || share < 0.99 && kind != "redis-cluster" { // whose nodes are whole
				t.Errorf("at the limit, %v of it is needed: %+v", share, most.Limits)
			}
			if small.StoresNeeded() != 1 || most.StoresNeeded() != 1 {
				t.Errorf("%v stores are needed for 3600 sessions, and %v for %d", small.StoresNeeded(), most.StoresNeeded(), most.Load.Sessions)
			}
			l := most.Load
			l.Sessions, l.Requests = l.Sessions*5/2, l.Requests*5/2
			if e := estimate(t, kind, l); e.Limits[0].Share <= 1 || e.StoresNeeded() != 3 {
				t.Errorf("%v stores are needed for 2.5 times what one takes: %+v", e.StoresNeeded(), e.Limits)
			}
		})
	}
}

// Masters are as many as the memory and the threads need, and three at least.
func TestMasters(t *testing.T) {
	for name, tc := range map[string]struct {
		sessions, bytes int64
		requests        float64
		want            func(*capacity.Estimate) float64
	}{
		"few":         {3600, 300, 101.5, func(*capacity.Estimate) float64 { return 3 }},
		"much memory": {1e9, 10_000, 5e5, func(e *capacity.Estimate) float64 { return math.Ceil(e.Memory / (32 << 30)) }},
		"many calls":  {36e3, 300, 1e6, func(e *capacity.Estimate) float64 { return math.Ceil(e.Cores) }},
	} {
		l := oneASecond()
		l.Sessions, l.Bytes, l.Requests = tc.sessions, tc.bytes, tc.requests
		e := estimate(t, "redis-cluster", l)
		if want := tc.want(e); e.Masters != want || e.Limits[0].Needed != 2*want {
			t.Errorf("%s: %v masters, want %v; %v nodes", name, e.Masters, want, e.Limits[0].Needed)
		}
	}
}

// Also a single session may need several stores, for its requests.
func TestOneBusySession(t *testing.T) {
	l := oneASecond()
	l.Sessions, l.Requests, l.Changes = 1, 1e6, 0
	e := estimate(t, "redis", l)
	if want := math.Ceil(e.Cores); want < 10 || e.StoresNeeded() != want {
		t.Errorf("%v stores are needed for %v cores of one thread each", e.StoresNeeded(), e.Cores)
	}
}

func TestRefused(t *testing.T) {
	l := oneASecond()
	l.Bytes = 400 << 10
	if _, err := capacity.Of("dynamodb", l); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("400 KiB in DynamoDB: %v", err)
	}
	if _, err := capacity.Of("redis", l); err != nil {
		t.Errorf("400 KiB in Redis: %v", err)
	}
	if _, err := capacity.Of("paper", oneASecond()); err == nil || !strings.Contains(err.Error(), "redis-cluster") {
		t.Errorf("an unknown store: %v", err)
	}
}
