// Package postgres is a provider that keeps records in a table of a PostgreSQL database,
// 14 or later, with pgx:
//
//	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
//	if err != nil {
//		log.Fatal(err)
//	}
//	store := postgresprovider.New(pool)
//	if err := store.CreateTable(ctx); err != nil {
//		log.Fatal(err)
//	}
//	go store.PurgeEvery(ctx, 10*time.Minute)
//
// Instead of [Provider.CreateTable] a migration may run schema.sql or the result of
// [Provider.Schema]. The role of the application then needs no more than
//
//	GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast_sessions TO app;
//
// List reads 256 records at a time by the index, in the order of their IDs, each page in
// a transaction of its own.
//
// The application may use the pool for other purposes as well; see below for what
// handlers must not do then. Each trip uses one connection at a time, so one connection
// is enough for all callers. The database's encoding should be UTF8: other encodings
// cannot store every ID.
//
// # Costs
//
// Fetch, Save and Delete are one round trip each. A Save that is not stored takes a
// second one, which reads the current record for the conflict. Two costs of pgx are added
// occasionally: a connection prepares each statement once, with an additional trip, and
// the pool pings a connection that has been idle for a second. The query mode is the
// connection's (DefaultQueryExecMode, in the URL default_query_exec_mode). All modes
// work, but prepared statements, the default, cost the server a fraction of the time:
//
//	CPU time of the server     cache_statement   exec
//	Fetch of 300 bytes                   23 µs    96 µs
//	Save of 300 bytes                    43 µs   168 µs
//	Fetch of 4 KiB                       33 µs   151 µs
//	Save of 4 KiB                        95 µs   322 µs
//
// For comparison: a bare UPDATE … WHERE version = … of 300 bytes takes 33 and 84 µs,
// without checks of expiry, waits and conflicts.
//
// The design of the table is based on measurements with PostgreSQL 15, of updates of
// records with a new expiry:
//
//	index on expires_at           in place (HOT)   WAL of an update
//	none                                  100 %          593 bytes
//	btree                                   0 %          795 bytes
//	BRIN                                    0 %          802 bytes
//
//	fillfactor                         100    90    80    50
//	in place, 400 bytes of data       98 %  100 %  100 %  100 %
//	in place, 1500 bytes of data      67 %     –    89 %  100 %
//
//	storage of data                extended   external
//	CPU, 3000 bytes of data          203 µs      80 µs
//	WAL, 3000 bytes of data          3253 B     3677 B
//
// The table therefore has no index on the expiry: [Provider.Purge] reads the table
// instead. That took 3 s for a million records of 400 bytes with 104,000 expired ones
// among them, and 2 s for none. Data of over 2 KB is stored outside of the row, and each
// save then writes it again; small sessions are faster.
//
// # Timeouts
//
// A context ends a call at once; pgx then closes the connection and asks the server to
// cancel the query. A call without a deadline may wait forever for a host that has
// vanished. Package session sets a deadline for each call; connect_timeout in the URL
// limits how long a new connection may take. A lock of the application on a session's row
// makes Save wait: set lock_timeout or statement_timeout if you must hold such locks.
//
// If a *pgxpool.Pool has fewer connections than there are calls, a call waits for one for
// half of its time at most. Otherwise calls that have waited for long would have no time
// left for their answer, and each would cost a connection: after an outage, a busy server
// might do nothing but open connections.
//
// If the connection of a Save breaks, or its deadline passes after it was sent, it may or
// may not have been stored. If there was no connection for it, it was not stored
// ([provider.ErrNotSaved]). The same is true if the server has refused it
// ([provider.ErrRefused]): the table or a privilege is missing, the server takes no
// writes, or a lock_timeout is over. With a [DB] that is not a *pgxpool.Pool itself, a
// timeout while waiting for a connection cannot be distinguished from one while waiting
// for an answer. A Save that PostgreSQL has rolled back in favor of another (SQLSTATE
// 40001 or 40P01) was not stored, and is repeated until the context ends. That happens if
// default_transaction_isolation is repeatable read or serializable. These levels work but
// have no benefit here, because each statement is a transaction of its own.
//
// # A pool shared with handlers
//
// Package session saves a handler's changes while the handler runs: before the first byte
// of its response. A handler that writes its response while it holds a connection, in a
// transaction or between the rows of a query, then needs a second one. If as many
// handlers do so at a time as the pool has connections, each waits for the others until
// session.Config.StoreTimeout ends, and answers 503: nothing was saved. Avoid this in one
// of these ways:
//
//   - Close the rows, or commit and release the connection, before you write.
//   - Call Session.Save before you take the connection.
//   - Give the sessions a pool of their own. A few connections are enough.
//
// # PgBouncer
//
// In transaction mode, add default_query_exec_mode=exec to the URL. Since version 1.21,
// PgBouncer can keep track of prepared statements (max_prepared_statements); then the
// default mode works. Add settings in the URL that PgBouncer does not know to its
// ignore_startup_parameters. Other poolers are similar.
//
// # Messages between instances
//
// The provider is a [provider.Broadcaster], by LISTEN and NOTIFY. A message takes one trip
// over the pool, the first one three. It is not stored, and no privilege is needed. The
// channel is named after the table and its schema, as in holdfast:"public"."holdfast_sessions".
//
// NOTIFY makes PostgreSQL wait, at the commit, for one lock of the whole server. That is no
// matter for some hundred messages a second; package session sends one for the end of a
// session and none for a change.
//
// Each Listen has a connection of its own, outside of the pool, made like those of the pool
// (its ConnConfig, BeforeConnect and AfterConnect) or by [ListenConfig]. The role and the
// server need room for one connection more for each instance. When it begins, Listen sends
// itself a message over the pool. If that does not arrive within 10 seconds, Listen returns
// an error: behind PgBouncer in transaction mode nothing would ever be heard, and
// [ListenConfig] must lead around it. Listen ends when its connection is lost. It sends a
// ping after 5 seconds without a message, and gives up a server that does not answer within
// 5 more. Closing the pool does not end it: cancel its context.
//
// Broadcast and Listen return an error that wraps errors.ErrUnsupported for a pgx.Tx, for a
// single connection without ListenConfig, and on CockroachDB, which has no LISTEN. A server
// that is promoted to primary has no listeners of the old one: their connections are lost,
// and Listen ends. If the listening process does not read for long, PostgreSQL keeps the
// messages, up to 8 GB for the whole server.
//
// # What may be lost
//
// A Save that has returned survives a crash of the server, because PostgreSQL writes
// commits to disk. Three settings weaken that, so that an acknowledged Save can be
// undone, including a logout:
//
//   - synchronous_commit = off loses up to three times wal_writer_delay (0.6 s) in a
//     crash. It may be set for the sessions' pool only, as a runtime parameter.
//   - An UNLOGGED table is emptied by a crash, and is empty on a standby that is
//     promoted: everybody is logged out, and new signing keys are created in it. (ALTER
//     TABLE holdfast_sessions SET UNLOGGED.)
//   - Replication is asynchronous by default: changes that the standby has not received
//     are lost in a failover. With synchronous_standby_names and synchronous_commit at
//     its default, commits wait for the standby. A primary that continues after its
//     standby was promoted accepts writes that will be lost: preventing that (fencing) is
//     the task of the cluster manager.
//
// Versions are partly random, so a writer whose base was lost gets a conflict, and never
// overwrites a change silently.
//
// # Standbys
//
// Never read from a standby with this provider: it is behind, so a request might not find
// the session that the previous request has created. With several hosts in the URL, add
// target_session_attrs=read-write.
//
// # Expiry
//
// The database's clock counts. A record is absent from the millisecond of its expiry on,
// whether it has been purged or not. Save checks this while it holds the row's lock.
// After a failover the clock is another machine's.
//
// Package session computes the expiry with the clock of the application: synchronize
// both. If the database's clock is ahead by more than session.Config.IdleTimeout, each
// session has expired when it is stored, and nobody can sign in. Package session logs an
// error then.
//
// # Operation
//
// Autovacuum with its defaults is enough. Updates in place clean up after themselves;
// data of over 2 KB and rows that Purge removes are left to autovacuum. A long
// transaction anywhere in the database blocks it, and the table grows. Count the sessions
// with
//
//	SELECT count(*) FROM holdfast_sessions WHERE expires_at > now();
//
// IDs are hashes that cannot be used to take over a session. To keep them and the data
// out of the server's log, leave log_statement below "mod" or set
// log_parameter_max_length to 0.
//
// The table may be partitioned by the hash of the ID.
//
// # CockroachDB
//
// This provider has never been run against CockroachDB. It is written for it by its
// documentation (version 22.2 or later), and its statements for it are tested on
// PostgreSQL at the isolation level serializable, with a third of all writes rolled back
// (SQLSTATE 40001). [Provider.CreateTable], Purge and List ask the server for its version
// once and use a table, a purge and a listing of their own for it:
//
//   - The table is that of schema_cockroach.sql and [Provider.CockroachSchema]. IDs are
//     hashes, so that the sessions are spread over all ranges.
//   - Purge takes steps of 5,000 rows in the order of the IDs. Row-level TTL may do its
//     work: ALTER TABLE holdfast_sessions SET (ttl_expiration_expression = 'expires_at').
//   - The commits of CockroachDB are replicated before they are acknowledged, so that none
//     is lost in a failover. A commit of unknown result (SQLSTATE 40003) is reported as
//     such.
//
// Before you use it, run the tests against your cluster: HOLDFAST_TEST_COCKROACH_URL.
// Other databases that speak PostgreSQL's protocol are not tested either.
package postgres
