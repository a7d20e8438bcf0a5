// Package redis is a provider that keeps records in Redis 6.2 or later, or Valkey,
// through github.com/redis/go-redis/v9. Since both packages have the same name, import
// this one under another:
//
//	import redisprovider "github.com/holdfast-go/holdfast/provider/redis"
//
//	store, err := redisprovider.Open("redis://localhost:6379/0")
//	...
//	defer store.Close()
//	sessions, err := session.New(store, session.Config{})
//
// Each call is one round trip. This includes a Save that conflicts, which returns the
// current record. The first Save after the server has started takes two.
//
// # Clients for New
//
// [Open] is for one server. For a server found through Sentinel, for a cluster, a ring or
// other settings, create the client yourself and pass it to [New]. These options matter:
//
//   - Timeouts. If ContextTimeoutEnabled is not set, only DialTimeout, ReadTimeout and
//     WriteTimeout free a connection whose server is gone, and with it the goroutine of a
//     call that was given up. Without timeouts they accumulate.
//   - ContextTimeoutEnabled: set it, so that connections are freed at the call's
//     deadline. The calls themselves end with their context in any case. With a
//     *redis.Client it also saves package session the goroutine for each call, and with
//     that half of the time if the server is near. The handshake of a new connection then
//     has no more time than the call that needs it. After a call that has timed out and
//     left the pool empty, the provider therefore opens a connection in the background,
//     one at a time and with the client's own timeouts, with one more read (GETEX).
//   - DialerRetries: 1. A connection that is being made keeps its place in the pool until
//     the last attempt has failed, by default for 25 seconds after the network is back.
//   - MaxRetries applies to Fetch only. A Save or Delete is never sent again: the first
//     attempt might arrive late. The same is true of MaxRedirects, except for
//     redirections, which are refusals. A proxy between client and server must not repeat
//     commands either.
//   - PoolTimeout: less than half of Config.StoreTimeout of package session, such as a
//     second. A call that waits longer for a connection has no time left for its reply, and
//     costs the connection: after an outage, a busy server might do nothing but open others.
//   - PoolSize limits the number of concurrent calls. A handler that holds a connection
//     (Conn, a PubSub, a blocking command) while it writes its response needs a second
//     one, since its session is saved before the first byte: call Session.Save before, or
//     give the sessions a client of their own.
//
// A Save that was not sent has certainly not been saved ([provider.ErrNotSaved]), and
// neither has one that the server has refused ([provider.ErrRefused]) because it is still
// loading, requires a password or takes no writes. In these cases package session answers
// at once. If a Save was sent and got no answer, its outcome is unknown. The same is true
// of errors that are not Redis's own, which may come from a proxy.
//
// ReadOnly, RouteByLatency, RouteRandomly and the client-side cache have no effect here:
// nothing is read from a replica or a cache. Fetch is a GETEX, which is a write to Redis.
// A server that refuses writes, for instance because it cannot save to disk (MISCONF),
// therefore refuses Fetch as well.
//
// # What Redis does not guarantee
//
// A failover may undo acknowledged changes. Replication is asynchronous, so the promoted
// replica may lack the last ones. A lost login signs a user out. A lost logout (Destroy)
// or Delete brings back a session that had ended. A primary that is cut off from the
// others continues to accept writes until it is reached again; these writes are lost.
// Versions are unique, so a writer that has read a lost version gets a conflict and never
// overwrites a change that it has not seen. Three settings reduce the loss; none prevents
// it:
//
//   - min-replicas-to-write and min-replicas-max-lag make a primary without replicas
//     refuse writes, and so Fetch.
//   - [WaitReplicas] waits until replicas have received the change.
//   - cluster-node-timeout, or down-after-milliseconds of Sentinel.
//
// A restart loses what is not on disk. With appendonly yes and appendfsync everysec that
// is the last second or two, with appendfsync always nothing, with RDB snapshots minutes,
// and with neither all sessions.
//
// An eviction of the signing keys, which are one record unless Config.SigningKeys is set,
// logs out everyone. An instance that has the keys in memory restores them within minutes
// and logs an error; if no instance has them, they are lost.
//
// An eviction of a session logs its user out. Set maxmemory-policy to noeviction, on a
// separate server if a cache needs another policy. When the memory is full, Save then
// returns [provider.ErrFull], also for existing sessions and for logging out. Monitor
// used_memory.
//
// With an evicting policy the list of a user's sessions, one record that is used only at
// sign-ins, is evicted before the sessions in use. [session.Manager.Sessions] and
// RevokeAll then miss these sessions, until each is used again after Config.TouchInterval
// and enters itself in the list. If users must be signed out everywhere, the program
// needs its own check as well, such as a number in the user's account that each session
// contains.
//
// A ring (redis.Ring) has no copies: while a server is down, its keys are looked up on
// others, and when it is back, its old content is there again. Use a ring only for
// sessions that may be lost and may come back.
//
// A tool that moves keys from one Redis to another must keep their expiry.
//
// # Clocks
//
// A record expires by the clock of the server, to the millisecond. Package session
// computes the expiry with the clock of the app. Synchronize both, and those of replicas,
// which may become primaries. If the server's clock is ahead by more than
// session.Config.IdleTimeout, each session has expired when it is stored, and nobody can
// sign in. Package session logs an error then.
//
// # Cluster
//
// Every command has one key, so any ID works and no hash tags are needed. After a failed
// call the client updates its map of the slots, as go-redis itself does once a minute.
//
// Set cluster-require-full-coverage no. By default every master refuses all requests from
// the moment when another one counts as failed until its replica has taken over.
//
// # Messages between instances
//
// The provider is a [provider.Broadcaster], by Redis's channels. The channel is the prefix,
// "broadcast:" and the number of the database, for the default "holdfast:broadcast:0". A
// message takes one trip and is not stored. In a cluster from Redis 7.0 on, the channel is
// a sharded one; all instances must then use a ClusterClient.
//
// Each Listen has a connection of its own, beside the client's pool, with the client's
// options and without its hooks. It ends when this connection is lost, or when another
// server has the channel: after a slot was moved or a ring has changed. It sends a ping
// every 5 seconds, and gives up a server that is silent for 10. Sentinel closes the
// connections to a primary that it has replaced; the next Listen finds the new one. Closing
// the client or the provider does not end it: cancel its context.
//
// Messages are lost without an error in these cases: nodes of a cluster are upgraded
// to 7.0 or downgraded from it; a primary is replaced by hand, without Sentinel, and
// clients stay connected to it; in a failover, until the connections to the old primary
// are lost. A listener that is too slow is disconnected by the server at 8 MB for a
// minute or 32 MB (client-output-buffer-limit pubsub).
//
// # Access rights
//
// A user with the minimum permissions, for the default prefix:
//
//	ACL SETUSER app on >password ~holdfast:* +getex +evalsha +eval +getrange +exists +set +del
//
// List needs +scan, [WaitReplicas] +wait, a cluster +cluster|slots and, while slots are
// being moved, +asking. Broadcast and Listen need
//
//	+publish +subscribe +ping &holdfast:*
//
// and in a cluster +spublish and +ssubscribe in place of the first two. go-redis tries
// COMMAND and some of CLIENT too, and works without them.
//
// # Memory
//
// A session takes about 100 bytes in addition to its key and value, and the rounding of
// the allocator, a fifth at most: 420 bytes for a record of 256 bytes of data, 5.2 KB for
// one of 4 KiB, with an ID of 64 characters (Redis 7.0).
//
// Redis looks for expired keys in samples, and stops when less than a tenth of a sample has
// expired. So up to a tenth of the memory may be kept by sessions that have expired. A higher
// active-expire-effort, which is 1 by default and 10 at most, makes that less.
//
// # Format
//
// A record is one string: the bytes F5 48 46 01, then version and expiry in milliseconds,
// 8 bytes each in big-endian order, the length of Format in one byte, Format, Data. A
// value that does not begin with these bytes is neither read, changed nor deleted. The
// maximum size of a record is 16 MiB.
package redis
