// Package postgres is a provider that keeps records in a table of a PostgreSQL
// database, 14 or later, on pgx:
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
// Instead of [Provider.CreateTable] a migration may run schema.sql or what
// [Provider.Schema] returns. The role of the application then needs no more than
//
//	GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast_sessions TO app;
//
// List reads 256 records at a time by the index, in the order of their IDs, each page
// in a transaction of its own.
//
// The pool may be one that the application uses for other things as well; see below for
// what handlers must not do then. Each trip takes a connection for itself alone; one is
// enough for all callers.
// The database's encoding should be UTF8: another cannot hold every ID.
//
// # Costs
//
// Fetch, Save and Delete are one round trip each. A Save that does not land takes a
// second one, which reads what is in the way: the current record that comes with a
// conflict. Two things of pgx's come on top, now and then: a connection prepares
// each statement once, by a trip of its own, and the pool pings a connection that
// has been idle for a second. The query mode is the connection's
// (DefaultQueryExecMode, in the URL default_query_exec_mode). All of them work, but
// prepared statements, the default, cost the server a fraction of the time:
//
//	CPU time of the server     cache_statement   exec
//	Fetch of 300 bytes                   23 µs    96 µs
//	Save of 300 bytes                    43 µs   168 µs
//	Fetch of 4 KiB                       33 µs   151 µs
//	Save of 4 KiB                        95 µs   322 µs
//
// For comparison: a bare UPDATE … WHERE version = … of 300 bytes takes 33 and 84
// µs, without regard to expiry, waits and conflicts.
//
// The table was chosen by measuring, PostgreSQL 15, updates of records with a new
// expiry:
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
// Hence no index on the expiry: [Provider.Purge] reads the table instead, which
// took 3 s for a million records of 400 bytes with 104,000 expired ones among
// them, and 2 s for none. Data of over 2 KB moves out of the row, and each save
// then writes it anew; small sessions are fast ones.
//
// # Timeouts
//
// A context ends a call at once; pgx then closes the connection and asks the server
// to give up. What has no deadline may wait for ever on a host that has vanished.
// Package session sets one for each call; connect_timeout in the URL bounds how
// long a connection may take to be made. A lock of the application on a session's
// row makes Save wait: set lock_timeout or statement_timeout, if you must hold any.
//
// A Save whose connection breaks, or that ran out of time after it was sent, may have
// landed or not. One for which no connection was to be had has not
// ([provider.ErrNotSaved]), nor has one that the server has refused
// ([provider.ErrRefused]): the table or a privilege is missing, it takes no writes, a
// lock_timeout is over. With a [DB] that is not a *pgxpool.Pool itself, a wait for a
// connection that ran out of time cannot be told from one for an answer. One that PostgreSQL has rolled back for the sake of another (SQLSTATE 40001 or
// 40P01) has not, and is repeated until the context ends. That happens where
// default_transaction_isolation is repeatable read or serializable, which works
// but is of no use here: each statement is a step of its own.
//
// # A pool shared with handlers
//
// Package session saves what a handler has changed while that runs: before the first
// byte of its response. A handler that writes its response while it holds a connection,
// in a transaction or between the rows of a query, then needs a second one. If as many
// handlers do so at a time as the pool has connections, each waits for the others until
// session.Config.StoreTimeout ends, and answers 503: nothing was saved. So do one of
// these:
//
//   - Close the rows, or commit and release the connection, before you write.
//   - Call Session.Save before you take the connection.
//   - Give the sessions a pool of their own. A few connections are enough.
//
// # PgBouncer
//
// In transaction mode, add default_query_exec_mode=exec to the URL. As of 1.21,
// PgBouncer can keep track of prepared statements (max_prepared_statements), and
// the default mode will do. Settings in the URL that PgBouncer does not know belong
// in its ignore_startup_parameters. Other poolers are much the same.
//
// # What may be lost
//
// A Save that has returned survives a crash of the server: PostgreSQL writes
// commits to disk. Three settings trade that away, and then an acknowledged Save
// can be undone, a logout too:
//
//   - synchronous_commit = off loses up to three times wal_writer_delay (0.6 s) in
//     a crash. It may be set for the sessions' pool alone, as a runtime parameter.
//   - An UNLOGGED table is emptied by a crash, and is empty on a standby that is
//     promoted: everybody is logged out, and the signing keys in it are made anew.
//     (ALTER TABLE holdfast_sessions SET UNLOGGED.)
//   - Replication is asynchronous by default: what the standby has not received is
//     lost in a failover. With synchronous_standby_names and synchronous_commit at
//     its default it waits. A primary that goes on after its standby was promoted
//     accepts writes that will be lost: fencing is the cluster manager's.
//
// Versions are random in part, so that a writer whose base was lost gets a
// conflict, never a silent overwrite.
//
// # Standbys
//
// Never send this provider to one for reading: it is behind, so that a request
// might not find the session that the one before has made. With several hosts in
// the URL, add target_session_attrs=read-write.
//
// # Expiry
//
// The database's clock counts. A record is absent from the millisecond of its
// expiry on, whether it has been purged or not, and at the moment at which Save
// holds the row's lock. After a failover the clock is another one's.
//
// It is package session that makes up the time, by the clock of the application: keep
// both in step. If the database's is ahead by more than session.Config.IdleTimeout, each
// session has expired when it is stored, and nobody can sign in. Package session logs
// an error then.
//
// # Operation
//
// Autovacuum at its defaults is enough; updates in place clean up after themselves,
// data of over 2 KB and what Purge removes are left to it. A long transaction
// anywhere in the database keeps it from doing so, and the table grows. Sessions
// count by
//
//	SELECT count(*) FROM holdfast_sessions WHERE expires_at > now();
//
// IDs are hashes that open no session. To keep them and the data out of the
// server's log, leave log_statement below "mod" or set log_parameter_max_length
// to 0.
//
// The table may be partitioned by the hash of the ID.
//
// CockroachDB and other databases that speak PostgreSQL's protocol are not tested.
// Purge reads by ctid, which CockroachDB does not have; it has row-level TTL with
// ttl_expiration_expression = 'expires_at'.
package postgres
