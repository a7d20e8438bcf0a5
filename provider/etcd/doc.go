// Package etcd is a provider that keeps records in etcd, 3.4 or later, through
// go.etcd.io/etcd/client/v3. It is a module of its own:
//
//	store, err := etcd.Open("etcd://localhost:2379")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer store.Close()
//	go store.PurgeEvery(ctx, time.Hour)
//
// There is no schema. A record is one key, the [Prefix] and the record's ID.
//
// # Server
//
// etcd keeps every version of a key until the history is compacted, which it does not do
// by default. Without compaction the database reaches its quota within days, and etcd
// then takes no writes: Save returns [provider.ErrFull]. Set
//
//	auto-compaction-mode: periodic
//	auto-compaction-retention: 5m
//	quota-backend-bytes: 8589934592
//
// The quota is 2 GiB by default; etcd's documentation recommends 8 GiB at most. etcd is
// made for some gigabytes and some thousand writes a second. A site with millions of
// sessions needs another store. After ErrFull: compact, defragment each member, then
// disarm the alarm with etcdctl alarm disarm.
//
// The maximum size of a request, and so of a record, is 1.5 MiB (max-request-bytes).
//
// # Client
//
// [Open] sets up the client. For other settings create the client yourself and pass it to
// [New]. These settings matter:
//
//   - DialKeepAliveTime and DialKeepAliveTimeout: by default a connection whose server is
//     gone without a word is used on for many minutes, and every call over it times out.
//     Open sets 10 s, the least that gRPC allows, and 3 s.
//   - DialOptions, grpc.WithConnectParams: by default gRPC waits up to two minutes before
//     it tries again to connect. Open sets one second.
//   - Logger: by default the client writes warnings to standard error. Open sets none.
//   - Username: with a user, clientv3.New fails if no server can be reached. In version
//     3.7.3 of the client, calls of a user hang until their deadline after the server has
//     forgotten the user's token, as after a restart with the default of auth-token.
//     Open logs in by itself, with the first call and whenever the server asks for it.
//   - MaxUnaryRetries: a Fetch is repeated up to 100 times within its context if the server
//     is unavailable. Save and Delete are never sent twice, unless the server has refused
//     the first for its token.
//
// The client may be shared with other uses. It has one connection to each member, over
// which all calls run at the same time: handlers cannot exhaust a pool.
//
// # Costs
//
// These are the round trips to a member; each is a round of Raft between the members:
//
//	Fetch                                       1
//	Save that updates, or conflicts             1
//	Save that creates                           1
//	Save that creates over an expired record    2
//	Save without a check over a record          2
//	Delete                                      1
//	List                                        1 for every 256 records
//
// A conflict returns the current record. The first call of a user takes two more trips
// for the login. Every Save waits for the disks of most members.
//
// A record of 300 bytes with an ID of 63 characters takes 520 bytes of the database, one of
// 1 KiB 1.4 KB and one of 4 KiB 6.2 KB (etcd 3.4), once for each version that is not
// compacted. Keys are also kept in memory.
//
// # Messages between instances
//
// The provider is a [provider.Broadcaster]. A message is a write of one key, the prefix, a
// NUL and "broadcast", and takes one trip and a round of Raft, like a Save. The key is no
// record: List does not yield it and Purge leaves it. It holds the last message; earlier
// ones are in the history until that is compacted. The permissions for the prefix are
// sufficient.
//
// Listen is a watch over the client's connection. It ends when this connection or the
// member is lost, and when the member has lost the others: messages may have been missed.
// It asks for a sign every 5 seconds, and gives up a member that is silent for 5 more. The
// watch of clientv3 is not used, since it reconnects silently.
//
// # Timeouts and unknown outcomes
//
// A context ends a call at once. The server may go on: a Save that was abandoned at its
// deadline may be stored later, and package session determines its outcome. A Save for
// which there was no connection was not sent, and certainly was not stored
// ([provider.ErrNotSaved]). The same is true if etcd has refused it
// ([provider.ErrRefused]): permission is missing, the request is too large, the database
// is full, or there are too many requests. In all other cases the outcome is unknown, also
// after the server's own "request timed out" and "leader changed".
//
// A call fails at once if no member can be reached.
//
// # What may be lost
//
// A Save that has returned is on the disks of most members, and survives the failure of
// the others. Fetch reads linearizably: it sees every Save that has returned, whichever
// member answers. During the election of a leader, one or two seconds by default, calls
// fail. A cluster without most of its members neither reads nor writes.
//
// Two things undo acknowledged changes, including logouts: unsafe-no-fsync, and a restored
// snapshot. A cluster of one member has the durability of its disk.
//
// # Expiry
//
// etcd has no clock that its clients could use, and leases are too inexact: the clocks of
// the app's machines decide. Keep them synchronized: a clock that is ahead ends sessions
// early by the difference, and one that is behind ends them late. A record is absent from
// the millisecond of its expiry on, but stays in the database until [Provider.Purge]
// removes it, by the clock of the machine that runs Purge.
//
// Purge reads all records, from any member: a million of 1 KB are a gigabyte. Once an
// hour is often enough.
//
// # Access rights
//
// With authentication enabled, the user needs a role with permission for the prefix:
//
//	etcdctl role add app
//	etcdctl role grant-permission app --prefix=true readwrite holdfast/
//
// etcd logs the keys of slow requests, and so IDs, which are hashes that cannot be used to
// take over a session. It does not log values.
//
// # Format
//
// A value is the bytes F5 48 46 02, then version and expiry in milliseconds (the greatest
// number for never), 8 bytes each in big-endian order, the length of Format in one byte,
// Format, Data. A value that does not begin with these bytes is neither read, changed nor
// deleted ([provider.ErrUnreadable]).
package etcd
