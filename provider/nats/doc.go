// Package nats is a provider that keeps records in a bucket of NATS JetStream, 2.11 or
// later, through github.com/nats-io/nats.go. It is a module of its own. Import it as
// natsprovider, since the client's package is called nats, too:
//
//	store, err := natsprovider.Open("nats://localhost:4222?bucket=sessions")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer store.Close()
//	if err := store.CreateBucket(ctx); err != nil {
//		log.Fatal(err)
//	}
//
// # What NATS does not guarantee
//
// A bucket with several replicas is not linearizable while its leader changes. Fetch asks
// the leader, and no other replica. But a leader that was cut off from the others may not
// know yet that they have elected another, and answer with an old record for some seconds.
// It cannot store anything then. So no update is lost: a Save on top of an old record
// fails. But a session that has just ended may be opened once more, and a session that has
// just begun may not be found. A bucket with one replica does not have this problem; it
// is away while its server is.
//
// By default NATS acknowledges a message before it is on the disk, and syncs every two
// minutes. An acknowledged Save survives a crash of the server's process, but a loss of
// power or a crash of the machine may undo it, including a logout. Set
//
//	jetstream {
//	  sync_interval: always
//	}
//
// or keep three replicas on machines that do not fail at the same time.
//
// Versions are partly random, so a writer whose base was lost gets a conflict. There is an
// exception: if another record of the same ID has got the same number in the bucket
// between the two trips of a Save, as when the bucket is deleted and created again or
// restored in this moment, it may be overwritten.
//
// # Bucket
//
// [Provider.CreateBucket] creates the bucket. Instead of it, an administrator may run
//
//	nats stream add KV_sessions --subjects='$KV.sessions.>' --storage=file --replicas=3 \
//	  --max-msgs-per-subject=1 --discard=new --allow-msg-ttl --no-allow-direct \
//	  --retention=limits --allow-rollup --deny-delete --defaults
//
// "nats kv add" makes a bucket whose reads any replica answers, which CreateBucket refuses.
// Use the bucket for the sessions alone.
//
// The maximum size of a record is that of a message, max_payload, 1 MiB by default. A
// bucket or an account that has reached its limits refuses records with
// [provider.ErrFull].
//
// # Connection
//
// [Open] sets up the connection. For other settings create it yourself, and pass its
// JetStream to [New]. These options matter:
//
//   - ReconnectBufSize(-1): by default what is sent while there is no connection is kept,
//     and sent later. A Save that was given up long ago may then overwrite nothing, but
//     create what was not created.
//   - MaxReconnects(-1): by default the connection is closed for good after 60 attempts.
//   - PingInterval and MaxPingsOutstanding: by default a connection whose server is gone
//     without a word is used on for minutes. Open sets 5 s and 2.
//   - ErrorHandler: by default the client prints to standard error.
//
// The connection may be shared with other uses.
//
// # Costs
//
// These are the round trips:
//
//	Fetch                                       1
//	Save that creates                           1
//	Save that creates over a marker             3
//	Save that creates, and conflicts            2
//	Save that updates                           2
//	Save that conflicts                         1
//	Save without a check                        1
//	Delete                                      1
//	List                                        16, and 1 for every record
//
// A record takes its data and 230 bytes with an ID of 63 characters. A conflict returns the current
// record. Each change is stored by most replicas before it
// is acknowledged.
//
// # Messages between instances
//
// The provider is a [provider.Broadcaster], by core NATS and the subject
// holdfast.broadcast.BUCKET: a message is not stored and takes one trip. Listen uses the
// provider's connection. It ends when that is lost, although the client connects again:
// messages may have been missed. A server that has vanished is found by the connection's
// pings, within 15 seconds with Open. A connection with NoEcho cannot be used.
//
// In a cluster a message that is sent through another server, within milliseconds after
// ready, may be missed: the servers do not say when they know each other's subscriptions. A
// server drops messages between servers or to a client that it cannot send fast enough; it
// then closes the connection of the client, which ends Listen.
//
// The user must be allowed to publish and to subscribe to the subject. The server does not
// answer one who may not: Listen, which sends a message to itself, then returns an error
// after 5 seconds, but Broadcast none.
//
// # Timeouts and unknown outcomes
//
// A context ends a call at once. A call whose context has no deadline ends after 5
// seconds. The reply to a call gets lost if the connection breaks; the call then ends at
// its deadline, and the outcome of a Save is unknown. Without a connection, calls fail at
// once, and a Save was certainly not stored ([provider.ErrNotSaved]). The same is true if
// nobody answers for the bucket, as during the election of a leader, and if JetStream has
// refused it ([provider.ErrRefused]).
//
// The server does not answer a user who may not publish: calls then end at their deadline.
// The user needs
//
//	publish:   $KV.sessions.>  $JS.API.STREAM.MSG.GET.KV_sessions  holdfast.broadcast.sessions
//	subscribe: _INBOX.>  holdfast.broadcast.sessions
//
// and for List and CreateBucket $JS.API.STREAM.INFO.KV_sessions, for CreateBucket
// $JS.API.STREAM.CREATE.KV_sessions, too.
//
// # Expiry
//
// The clocks of the app's machines decide. Keep them synchronized: a clock that is ahead
// ends sessions early by the difference, and one that is behind ends them late. A record is
// absent from the millisecond of its expiry on. The server removes it a minute later, by
// a TTL of its message. Nothing needs to be purged. Delete leaves a marker, which the server
// removes after a minute.
//
// # Format
//
// The key of a record is a hexadecimal digit of a hash of its ID, a dot, and the ID in
// base32 (RFC 4648, extended hex, without padding). The value is the bytes F5 48 46 03, then
// version and expiry in milliseconds, 8 bytes each in big-endian order, the length of
// Format in one byte, Format, Data. A value that does not begin with these bytes is not
// read ([provider.ErrUnreadable]).
package nats
