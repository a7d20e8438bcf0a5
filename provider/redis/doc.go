// Package redis is a provider that keeps records in Redis 6.2 or later, or Valkey,
// through github.com/redis/go-redis/v9. Since both packages have the same name,
// import this one under another:
//
//	import redisprovider "github.com/holdfast-go/holdfast/provider/redis"
//
//	store, err := redisprovider.Open("redis://localhost:6379/0")
//	...
//	defer store.Close()
//	sessions, err := session.New(store, session.Config{})
//
// Each call is one round trip, also a Save that conflicts, which brings the record
// that won along. The first Save after the server has started takes two.
//
// # Clients for New
//
// [Open] is for one server. For a server found through Sentinel, for a cluster, a
// ring or other settings make the client yourself and give it to [New]. What to
// think of:
//
//   - Timeouts. DialTimeout, ReadTimeout and WriteTimeout are what frees a
//     connection whose server is gone, if ContextTimeoutEnabled is not set, and so
//     the goroutine of a call that was given up. Without timeouts they pile up.
//   - ContextTimeoutEnabled: set it, which frees them at the call's deadline. The
//     calls themselves end with their context in any case. With a *redis.Client it
//     also spares package session the goroutine for each call, and with that half
//     of the time if the server is near. The handshake of a new connection then has
//     no more time than the call that needs it. After a call that has run out of
//     time and left the pool empty, the provider therefore makes a connection ready
//     in the background, one at a time and by the client's own timeouts, with one
//     more read (GETEX).
//   - DialerRetries: 1. A connection that is being made keeps its place in the pool
//     until the last attempt has failed, by default for 25 seconds after the
//     network is back.
//   - MaxRetries concerns Fetch alone. A Save or Delete is never sent again: the
//     first attempt might arrive late. The same goes for MaxRedirects but for
//     redirections, which are refusals. A proxy between client and server must not
//     repeat commands either.
//   - PoolSize bounds the calls that are under way at the same time. A handler that
//     holds a connection (Conn, a PubSub, a blocking command) while it writes its
//     response needs a second one, since its session is saved before the first byte:
//     call Session.Save before, or give the sessions a client of their own.
//
// A Save that was not sent has certainly not been saved ([provider.ErrNotSaved]), and
// neither has one that the server has refused ([provider.ErrRefused]): it is still
// loading, wants a password, takes no writes. So package session answers at once. What
// was sent and got no answer is in doubt, as are errors that are not Redis's own, which
// may be of a proxy.
//
// ReadOnly, RouteByLatency, RouteRandomly and the client-side cache have no effect
// here: nothing is read from a replica or a cache. Fetch is a GETEX, which is a write
// to Redis. So a server that refuses writes, since it cannot save to disk for
// instance (MISCONF), refuses Fetch as well.
//
// # What Redis does not promise
//
// A failover may undo what was acknowledged. Replication is asynchronous, so the
// replica that is promoted may lack the last changes: a login is forgotten, but a
// logout (Destroy) and a Delete as well, so that a session is there again that had
// ended. Nor does a primary that is cut off from the others know that it is
// one no longer, until it is reached again; what it acknowledged meanwhile is lost.
// Versions are unique, so a writer that has read a lost version gets a conflict and
// never overwrites what it has not seen. Three settings make the loss smaller, none
// excludes it:
//
//   - min-replicas-to-write and min-replicas-max-lag have a primary without
//     replicas refuse writes, and so Fetch.
//   - [WaitReplicas] waits for the change to be received.
//   - cluster-node-timeout, or down-after-milliseconds of Sentinel.
//
// A restart loses what is not on disk. With appendonly yes and appendfsync
// everysec that is the last second or two, with appendfsync always nothing, with
// RDB snapshots minutes, and with neither all sessions.
//
// An eviction of the signing keys, which are one record unless Config.SigningKeys is
// set, logs out everyone. An instance that has them in memory puts them back within
// minutes and logs an error; where none has, they are lost.
//
// An eviction logs someone out. Set maxmemory-policy to noeviction, on a server of
// its own if a cache needs another. When the memory is full, Save then
// returns [provider.ErrFull], for sessions that exist as well, and also for
// logging out. Watch used_memory.
//
// With an evicting policy the list of a user's sessions, one record that is used at
// sign-ins alone, goes before the sessions that are in use. [session.Manager.Sessions] and
// RevokeAll then miss those, until each is used again after Config.TouchInterval, when it
// enters itself in the list. Who was to be signed out everywhere has to be checked by the
// program as well, such as by a number in the user's account that each session keeps.
//
// A ring (redis.Ring) has no copies: while a server is down, its keys are
// looked for on others, and when it is back, what it had then is there again. Use it
// only for sessions that may be lost and may come back.
//
// What moves keys from one Redis to another must take along their expiry.
//
// # Clocks
//
// A record expires by the clock of the server, to the millisecond. It is package
// session that makes up the time, by the clock of the app: keep both in step, and
// those of replicas, one of which may be the primary tomorrow. If the server's is ahead
// by more than session.Config.IdleTimeout, each session has expired when it is stored,
// and nobody can sign in. Package session logs an error then.
//
// # Cluster
//
// Every command has one key, so that IDs may be anything and no hash tags are
// needed. After a failed call the client looks up who has the slots, as go-redis by
// itself does once a minute.
//
// # Access rights
//
// A user that can do no more than is needed, for the default prefix:
//
//	ACL SETUSER app on >password ~holdfast:* +getex +evalsha +eval +getrange +exists +set +del
//
// List needs +scan, [WaitReplicas] +wait, a cluster +cluster|slots and, while
// slots are being moved, +asking. go-redis tries COMMAND and some of CLIENT too, and
// makes do without.
//
// # Memory
//
// A session takes about 100 bytes besides its key and value, and what the allocator
// rounds up by, a fifth at most: 420 bytes for a record of 256 bytes of data,
// 5.2 KB for one of 4 KiB, with an ID of 64 characters (Redis 7.0).
//
// # Format
//
// A record is one string: the bytes F5 48 46 01, then version and expiry in
// milliseconds, 8 bytes each with the most significant first, the length of Format
// in one byte, Format, Data. What does not begin so is neither read, changed nor
// deleted. A record has at most 16 MiB.
package redis
