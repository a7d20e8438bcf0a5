// Package migrate is a provider over two stores that moves sessions from one to the other
// while an application serves requests. The instances of the application are restarted one
// by one. No session is signed out, and no acknowledged change is lost.
//
//	from, err := redisprovider.Open(os.Getenv("REDIS_URL"))
//	...
//	to := postgresprovider.New(pool)
//	if err := to.CreateTable(ctx); err != nil {
//		log.Fatal(err)
//	}
//	store, err := migrate.New(from, to, migrate.Options{Prepare: true})
//	...
//	sessions, err := session.New(store, session.Config{})
//
// # The steps
//
// Before the first step, to must be empty, except for copies of the records of from. The
// steps are:
//
//  1. Prepare. Restart the instances, one by one, with [New] and Options.Prepare. They
//     keep all records in from, and understand the markers of the next step. Wait until no
//     instance uses from alone.
//  2. Move. Restart the instances, one by one, with the zero Options. They create new
//     records in to, and a marker for each in from. Wait until no instance is in the phase
//     Prepare, and then for session.Config.StoreTimeout: calls that were given up arrive by then.
//  3. Call [Provider.MoveAll], in one of the instances or in a program of its own, which
//     uses the same two stores. Wait until it returns nil, and then for two minutes. If it
//     returns an error, the error says what is left and why; call it again.
//  4. Restart the instances, one by one, with to alone. When the last one has been
//     restarted, drop from, or call [Provider.Clean] to keep the store for something else.
//
// Instances of two phases that follow each other may run at the same time. Others must not:
//
//   - From alone and Move: the instance that uses from alone takes a marker for a record
//     that it cannot read, and overwrites or deletes it. Nothing detects that.
//   - Prepare and to alone, or to alone before MoveAll has returned nil: both stores get a
//     record of the same ID. MoveAll counts these (ErrInBoth).
//
// From Move on both stores must be up: a session that is new, or was moved, needs to, and
// every call for an ID that the instance does not know needs from. An error names the store
// that failed. In Prepare, to is needed only for records that instances in Move have
// written, so errors in its configuration do not show before: check it with a Fetch.
//
// [Provider.Status] counts what is left, at any time. MoveAll does not return while
// instances in the phase Prepare create records.
//
// From Move one may go back to Prepare, to wait: all records stay where they are. The way
// back to from alone is another migration: complete this one, empty from, and move the
// records from to to from.
//
// # What is guaranteed
//
// Over instances of neighbouring phases, each record is linearizable, as package provider
// demands, if both stores are. That includes instances that crash, and calls that fail or
// arrive late. The outcome of a Save or Delete is that of the call that changes the record;
// an error of a call before that is a provider.ErrNotSaved.
//
// What a store does not guarantee, its records are not guaranteed here. In particular, an
// eviction or a failover that loses a marker of from brings back the record as from has it,
// or hides one of to from instances in the phase Prepare. Markers never expire, so policies
// that evict only keys that expire (volatile-lru of Redis) leave them. With a policy that
// evicts any key, set noeviction for the time of the migration. Make room in from for the
// markers: about a hundred bytes for each record that is moved or created.
//
// The clock of from decides about the expiry of a record until it is moved, and that of to
// from then on. If to's clock is more than two minutes ahead of the program's, nothing is
// moved, and MoveAll says so. Expired records of both stores are purged as before, with
// PurgeEvery where the store has it.
//
// A record is moved as it is: ID, version, expiry, format and data. So the list of a user's
// sessions and the signing keys in the store are moved like sessions. A store that
// provider/sealed encrypts may be either of the two, or the two may be encrypted together,
// with sealed around the [Provider]. For a limited store, a record counts as one of a known
// user from the moment that it is frozen (provider.WithReserve).
//
// A record whose version is not positive cannot be moved (ErrUnversioned). Package session
// writes none. An instance in the phase Prepare writes such a record in a format that one
// which uses from alone cannot read. The formats that begin with "holdfast-migrate/" are
// reserved.
//
// # Messages between instances
//
// The Provider is a [provider.Broadcaster] as far as both stores are. An instance in the
// phase Prepare sends its messages through from, one in the phase Move through to, each once,
// and through the other store if its own cannot. Both listen to both stores. So no message
// between instances of neighbouring phases is missed while Listen runs:
//
//	                    both can   from alone can   to alone can
//	Prepare: Broadcast    from         from             to
//	Prepare: Listen       both         from             no
//	Move: Broadcast       to           from             to
//	Move: Listen          both         no               to
//
// "No" is an error that wraps errors.ErrUnsupported: the instance would not hear those of
// the phase before or after, whose store cannot send. Listen ends when it has lost one of
// the two connections, and does not begin, in either phase, while a store is down.
//
// # Expired records
//
// The Provider is a [provider.Expirer] as far as both stores are: it tells of the records that
// either store removes, and of no marker.
//
// # Costs
//
// These are the calls of each store. A store that does not return the current record with a
// conflict gets one more, to read it.
//
//	                                    Prepare      Move
//	                                    from  to     from  to
//	Fetch, Save of a record of from        1   0        1   0
//	Fetch of no record                     1   0        1   1
//	Save of a new record                   1   0        1   1
//	Delete, Save without a version         2   0        2   0
//	the first call for a moved record      1   1        1   1
//	further calls for it                   0   1        0   1
//
// The last line is for the 32,768 or more IDs that an instance was last asked for; it
// remembers that they are moved. MoveAll makes two calls of each store for each record, and
// writes the record twice to each store, once as a part of a marker or reservation. List
// and Status also read the markers, which are as many as the records that were moved or
// created.
//
// # How a record is moved
//
// An ID has a record in from, or a marker with a record ("moving"), or a marker without one
// ("moved"). From decides about a record. A record that is moving is read by nobody until it
// is moved, by whoever finds it. To decides about an ID that is moved, forever.
//
//  1. A reservation is created in to: an entry of the size of the record that expires in
//     two minutes and counts as absent. If to has another record, or no room, that shows
//     now.
//  2. The record in from is replaced by the marker that contains it, by compare-and-swap.
//     That is the only step that depends on what others do. If they were first, it fails,
//     and nothing has changed.
//  3. The reservation in to is replaced by the record, by compare-and-swap.
//  4. The marker is replaced by the one without the record.
//
// Whoever finds the marker of step 2 repeats the other steps. After its reservation, it
// looks at the marker again: if the record was moved in the meantime, it may also have been
// deleted, and must not be placed once more. For the same reason the record is not created
// in to. A create that was given up would bring back a record if it arrived after a
// deletion. A reservation that arrives late is no record, and a swap that arrives late does
// not find its reservation.
//
// A Delete in from is the swap for a record that has expired, because it must not remove a
// marker. A create in the phase Move places the marker first, so that an instance in the
// phase Prepare cannot create the same record, such as the signing keys, in from.
package migrate
