package capacity

import "time"

// sqliteSave is the time of a save with synchronous=full, of docs/performance.md.
const sqliteSave = 347 * time.Microsecond

// requestTime is the CPU time of the whole server for a request that reads a session in
// memory, of docs/performance.md. It counts for stores that are part of the program.
const requestTime = 25 * time.Microsecond

// The sizes of records and the CPU times are those of BenchmarkCapacity in bench/measure, on
// 2026-11-30: 50,000 records with IDs of 43 bytes, and data of 100, 300, 1,000 and 3,000
// random bytes as a mean. The times of calls are those of docs/performance.md, "Stores". What
// has another source says so.
//
// The overhead on the wire is an estimate: requests, answers, and headers of TCP/IP.
//
// The stores are in the order of docs/stores.md.
var stores = []store{
	{
		kind: "memory", inMemory: true, largest: 256 * mib,
		memory: size{250, 1},
		fetch:  call{cpu: requestTime}, save: call{cpu: 3 * time.Microsecond},
		limits: memoryLimits,
		beyond: "take a store that several processes share",
	},
	{
		kind: "sqlite", largest: 16 * mib,
		disk: sqliteSize, journal: 4 * mib, // SQLite's default: a checkpoint every 1000 pages
		late: 10 * time.Minute, purge: 30 * time.Microsecond, // PurgeEvery; provider/sqlite, with a tenth expired
		fetch:  call{cpu: requestTime + 11*time.Microsecond},
		save:   call{cpu: 40 * time.Microsecond}, // provider/sqlite, without the wait for the disk
		limits: sqliteLimits,
		beyond: "set synchronous=normal, with which a save takes a tenth of the time (provider/sqlite), or take a database server",
	},
	{
		kind: "postgres", remote: true, largest: gib,
		disk: size{215, 1.32}, journal: gib, // max_wal_size
		rewritten: 0.2,                                           // autovacuum_vacuum_scale_factor
		late:      10 * time.Minute, purge: 3 * time.Microsecond, // provider/postgres
		fetch:  call{136 * time.Microsecond, 23 * time.Microsecond}, // CPU: provider/postgres
		save:   call{311 * time.Microsecond, 43 * time.Microsecond},
		wire:   wire{250, 1},
		limits: postgresLimits,
		beyond: "give each part of the site a database of its own, or take DynamoDB or Redis Cluster",
	},
	{
		kind: "mysql", remote: true, largest: 16 * mib,
		disk: size{156, 1.70}, journal: 96 * mib, // innodb_log_file_size of MariaDB 10.11
		late:   10 * time.Minute,
		fetch:  call{180 * time.Microsecond, 88 * time.Microsecond},
		save:   call{328 * time.Microsecond, 200 * time.Microsecond},
		wire:   wire{350, 1},
		limits: mysqlLimits,
		beyond: "give each part of the site a database of its own, or take DynamoDB or Redis Cluster",
	},
	redis("redis", 0, 0, redisLimits, "take Redis Cluster"),
	redis("redis-cluster", 1, slotList, clusterLimits, "give each part of the site a cluster of its own"),
	{
		kind: "dynamodb", remote: true, largest: 400*kib - dynamoItem,
		disk:   size{dynamoItem + dynamoIndexed, 1},
		late:   48 * time.Hour,                   // AWS's documentation of TTL: within a few days
		fetch:  call{time: 5 * time.Millisecond}, // AWS: single-digit milliseconds
		save:   call{time: 5 * time.Millisecond},
		wire:   wire{900, 4. / 3}, // provider/dynamodb
		limits: dynamoLimits,
		beyond: "ask AWS for a higher quota of the table",
	},
	{
		kind: "etcd", remote: true, replicas: 2, largest: 3 * mib / 2,
		disk:     size{115, 1.36},
		journal:  5 * 64 * mib,    // --max-wals
		versions: 5 * time.Minute, // auto-compaction-retention of provider/etcd
		late:     time.Hour,
		fetch:    call{299 * time.Microsecond, 120 * time.Microsecond},
		save:     call{615 * time.Microsecond, 370 * time.Microsecond},
		wire:     wire{300, 1},
		limits:   etcdLimits,
		beyond:   "take another store: etcd is made for some gigabytes",
	},
	{
		kind: "nats", remote: true, replicas: 2, largest: mib,
		memory: size{790, 0.5}, disk: size{214, 1},
		late:   time.Minute,
		fetch:  call{267 * time.Microsecond, 97 * time.Microsecond},
		save:   call{731 * time.Microsecond, 630 * time.Microsecond},
		wire:   wire{500, 1},
		limits: natsLimits,
		beyond: "give each part of the site a bucket of its own, on other servers",
	},
	{
		kind: "cloudflare", remote: true, largest: 1_995_904,
		disk:   sqliteSize,
		late:   time.Hour,                         // PURGE_SECONDS
		fetch:  call{time: 50 * time.Millisecond}, // assumed: between the program and the object
		save:   call{time: 50 * time.Millisecond},
		wire:   wire{600, 1},
		limits: cloudflareLimits,
		beyond: "raise SHARDS before the first deployment (docs/cloudflare.md), or move the sessions",
	},
}

// sqliteSize is also that of Cloudflare, whose Durable Objects have the same table in SQLite.
var sqliteSize = size{125, 1.09}

// slotList is what a node of Redis Cluster takes for each key besides, to list the keys of a
// slot: two pointers.
const slotList = 16

// redis returns what one server and a cluster have in common. The file is the append-only
// one: by RDB's layout after its rewriting, as large again until it is rewritten
// (auto-aof-rewrite-percentage 100), and the new one beside it.
func redis(kind string, replicas int, perKey float64, limits []limit, beyond string) store {
	return store{
		kind: kind, inMemory: true, remote: true, replicas: replicas, largest: 16 * mib,
		memory: size{190 + perKey, 1.10}, disk: size{90, 1}, rewritten: 2,
		fetch:  call{70 * time.Microsecond, 13 * time.Microsecond},
		save:   call{296 * time.Microsecond, 58 * time.Microsecond}, // with appendfsync always
		wire:   wire{250, 1},
		limits: limits,
		beyond: beyond,
	}
}
