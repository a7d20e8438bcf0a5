package capacity

import (
	"cmp"
	"slices"
	"time"
)

// Limit is what a store, a server or an account has at most, and what the load needs of it.
type Limit struct {
	Name   string  `json:"name"`
	Unit   Unit    `json:"unit"`
	Needed float64 `json:"needed"`
	Most   float64 `json:"most"`
	Share  float64 `json:"share"` // Needed to Most; above 1 the limit is exceeded
	Source string  `json:"source"`
}

// Unit is what a Limit counts.
type Unit string

// The units.
const (
	Bytes  Unit = "bytes"
	Cores  Unit = "cores"
	Number Unit = ""
)

// limit is a Limit of a store, for every load.
type limit struct {
	name   string
	unit   Unit
	needed func(*Estimate) float64
	most   float64
	source string
}

// What limits are about.
func memoryOf(e *Estimate) float64  { return e.Memory }
func diskOf(e *Estimate) float64    { return e.Disk }
func tableOf(e *Estimate) float64   { return e.Table }
func coresOf(e *Estimate) float64   { return e.Cores }
func savesOf(e *Estimate) float64   { return e.Rates.Saves }
func callsOf(e *Estimate) float64   { return e.Rates.Fetches + e.Rates.Saves }
func recordsOf(e *Estimate) float64 { return e.Records.Total() }
func readsOf(e *Estimate) float64   { return e.Units.Reads }
func writesOf(e *Estimate) float64  { return e.Units.Writes }
func nodesOf(e *Estimate) float64   { return e.Masters * float64(e.Copies) }

// limited returns the limits of s, beginning with the one that is reached first.
func (e *Estimate) limited(s *store) (found []Limit) {
	for _, l := range s.limits {
		needed := l.needed(e)
		found = append(found, Limit{Name: l.name, Unit: l.unit, Needed: needed, Most: l.most, Share: needed / l.most, Source: l.source})
	}
	slices.SortStableFunc(found, func(a, b Limit) int { return cmp.Compare(b.Share, a.Share) })
	return found
}

// A server is assumed to be a machine of this size.
const (
	serverMemory = 64 * gib
	serverCores  = 16
	aServer      = "assumed: a server of 16 cores and 64 GiB"

	// IDs are random, so that the sessions in use are on all pages of a table.
	wholeTable = aServer + "; with less memory, calls wait for the disk"
)

// Redis may have to copy all of its memory while it writes it to the disk, so half of the
// server is for the sessions; https://redis.io/docs/latest/operate/oss_and_stack/management/admin/
const (
	redisMemory = serverMemory / 2
	redisHalf   = aServer + ", half of it for Redis to copy pages during a snapshot, as its documentation advises"
)

var (
	memoryLimits = []limit{
		{"memory of the machine", Bytes, memoryOf, serverMemory / 2, aServer + ", half of it for garbage, with GOGC=100"},
		{"cores of the machine", Cores, coresOf, serverCores, "measured: docs/performance.md, whole server; " + aServer},
	}
	sqliteLimits = []limit{
		{"saves a second of the only writer", Number, savesOf, float64(time.Second / sqliteSave), "measured: a save takes 347 µs, docs/performance.md"},
		{"memory for the whole table", Bytes, tableOf, serverMemory, wholeTable},
		{"cores of the machine", Cores, coresOf, serverCores, "measured: docs/performance.md, whole server, and provider/sqlite; " + aServer},
	}
	redisLimits = []limit{
		{"memory of the server", Bytes, memoryOf, redisMemory, redisHalf},
		{"time of the only thread", Cores, coresOf, 1, "measured: BenchmarkCapacity of bench/measure"},
	}
	clusterLimits = []limit{
		{"nodes of the cluster", Number, nodesOf, 1000, "the specification of Redis Cluster suggests no more; it has 16,384 slots"},
	}
	postgresLimits = []limit{
		{"cores of the server", Cores, coresOf, serverCores, "measured: provider/postgres; " + aServer},
		{"memory for the whole table", Bytes, tableOf, serverMemory, wholeTable},
		{"size of the table", Bytes, diskOf, 32 << 40, "PostgreSQL's documentation, appendix K"},
	}
	mysqlLimits = []limit{
		{"cores of the server", Cores, coresOf, serverCores, "measured: BenchmarkCapacity of bench/measure; " + aServer},
		{"memory for the whole table", Bytes, tableOf, serverMemory, wholeTable},
		{"size of the table", Bytes, diskOf, 64 << 40, "MySQL's documentation, InnoDB limits, pages of 16 KiB"},
	}
	dynamoLimits = []limit{
		{"read units a second of the table", Number, readsOf, 40_000, "AWS's default quota of a table; ask for more"},
		{"write units a second of the table", Number, writesOf, 40_000, "AWS's default quota of a table; ask for more"},
	}
	etcdLimits = []limit{
		{"size of the database", Bytes, diskOf, 8 * gib, "etcd's documentation, system limits"},
		{"calls a second", Number, callsOf, 30_000, "etcd's documentation: more than 30,000 requests, by three members"},
	}
	natsLimits = []limit{
		{"memory of the server", Bytes, memoryOf, serverMemory, aServer},
		{"cores of the server", Cores, coresOf, serverCores, "measured: BenchmarkCapacity of bench/measure; " + aServer},
		{"records that List reads", Number, recordsOf, 400e6, "provider/nats"},
	}
	cloudflareLimits = []limit{
		{"calls a second of the objects", Number, callsOf, cloudflareShards * 1000, "Cloudflare's documentation: about 1,000 for each of the 16 objects"},
		{"size of the objects", Bytes, diskOf, cloudflareShards * 10e9, "Cloudflare's documentation: 10 GB for each of the 16 objects"},
	}
)

const cloudflareShards = 16 // SHARDS of provider/httpstore/cloudflare
