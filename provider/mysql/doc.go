// Package mysql is a provider that keeps records in a table of a MariaDB or MySQL
// database, with the driver github.com/go-sql-driver/mysql:
//
//	store, err := mysqlprovider.Open("mysql://user:password@host:3306/database")
//	if err != nil {
//		log.Fatal(err)
//	}
//	if err := store.CreateTable(ctx); err != nil {
//		log.Fatal(err)
//	}
//	go store.PurgeEvery(ctx, 10*time.Minute)
//
// Instead of [Provider.CreateTable] a migration may run schema.sql or the result of
// [Provider.Schema]. The user of the application then needs no more than
//
//	GRANT SELECT, INSERT, UPDATE, DELETE ON database.holdfast_sessions TO app;
//
// List reads 256 records at a time by the primary key, in the order of their IDs, each
// page in a transaction of its own.
//
// # Which servers
//
// All tests run on MariaDB 10.11. MySQL has not been run. According to its documentation,
// 5.7 and 8.0 to 9 have everything that is used. They differ in this:
//
//   - MySQL closes connections that exceed max_allowed_packet in the same way, but its
//     default is 64 MiB instead of 16 MiB.
//   - The default authentication caching_sha2_password of MySQL 8 takes up to two more
//     trips for a login, and without TLS the server's public key.
//   - lock_wait_timeout and innodb_lock_wait_timeout are at least 1 s. MariaDB accepts 0.
//   - The default of binlog_format is ROW. In MariaDB it is MIXED. Both work.
//
// HOLDFAST_TEST_MYSQL_URL runs the tests on a server of either kind.
//
// The table must be of InnoDB. CreateTable refuses a table of another engine: with
// MyISAM or Aria, a crash in the middle of a Save would leave part of a record.
//
// # Settings
//
// Open sets up the connections. If you pass your own *sql.DB to [New]:
//
//   - Call SetMaxIdleConns with the number of SetMaxOpenConns. The default of 2 makes
//     database/sql open and close connections all the time.
//   - interpolateParams=true saves a trip for each statement, because the driver does not
//     prepare it first.
//   - innodb_lock_wait_timeout=1 and lock_wait_timeout=1 limit how long a statement waits
//     whose caller has given up; see below.
//   - clientFoundRows may have any value. With true, a Save of a record that is stored
//     already, under the same version, takes one trip instead of two.
//   - The character set, the collation, the time zone, the sql_mode, parseTime and
//     compress may have any value, except for the character sets below.
//
// The first call checks the settings of its connection and returns an error, as all
// later ones do until it is corrected, if
//
//   - autocommit is off: no Save would ever be committed,
//   - the isolation level is READ UNCOMMITTED: a Fetch could return a Save that is undone.
//     At the other levels the provider works in the same way, because each statement is a
//     transaction of its own,
//   - sql_mode contains EMPTY_STRING_IS_NULL, which only MariaDB has,
//   - the client's character set is big5, cp932, gb18030, gb2312, gbk or sjis, in which
//     the driver cannot quote safely,
//   - the server writes a binary log with binlog_format=STATEMENT: the statements compare
//     the expiry with SYSDATE, which replicas evaluate later.
//
// The server must not be started with --sysdate-is-now. It works, but a record that
// expires while a Save waits for a lock can then still be replaced.
//
// # Costs
//
// Fetch, Save and Delete are one round trip each. A Save that is not stored takes a second
// one, which reads the current record for the conflict. A create in place of an expired
// record that has not been purged takes four. Without interpolateParams, each of these
// trips is two. A new connection of Open takes the login and one more trip. The first call
// of a Provider takes one more, which checks the settings. A record that is larger than
// the limit known so far takes one more, which reads max_allowed_packet again.
//
// The table has no index on the expiry. With MariaDB 10.11, a Save of 300 bytes and a new
// expiry wrote 300 bytes of log without and 425 bytes with one, and took the server a
// third more CPU time with one. [Provider.Purge] reads the table instead, by its primary
// key: two statements for each 4096 rows, and one for each 256 rows that are removed. If
// you prefer to have an index, CreateTable accepts it, but Purge does not use it.
//
// # How large a record may be
//
// A statement contains the record and must be smaller than max_allowed_packet: 16 MiB by
// default in MariaDB. NUL, quotes, backslashes and line ends count twice. Larger records
// are refused with [provider.ErrTooLarge] before anything is sent, because the server
// would break the connection and leave the result in doubt.
//
// # Timeouts, and saves that land late
//
// A context ends a call at once; the driver then closes the connection. The server does
// not notice that while it executes a statement. A Save that waits for a lock, of another
// transaction, an ALTER TABLE or a backup, still waits when its caller has given up, and is
// stored when the lock is freed. Its error is therefore in doubt, and package session
// reads back, or reports session.ErrOutcomeUnknown. Such a Save cannot overwrite a later
// change, since it is stored only if the record still has the version that it expects.
//
// Open limits the wait to a second, by innodb_lock_wait_timeout and lock_wait_timeout. A
// Save that has not been given up begins to wait again, until its context ends. The same is
// done after a deadlock: the server has rolled the statement back, so nothing was saved.
//
// If a *sql.DB with SetMaxOpenConns has fewer connections than there are calls, a call waits
// for one for half of its time at most. Otherwise calls that have waited for long would have
// no time left for their answer, and each would cost a connection: after an outage, a busy
// server might do nothing but open connections.
//
// If the connection of a Save breaks, or its deadline passes after it was sent, it may or
// may not have been stored. The same is true if the server has interrupted it (KILL, or
// max_statement_time of MariaDB), is shutting down, or reports an error of its binary log.
// If there was no connection for it, it was not stored ([provider.ErrNotSaved]). That is
// also certain if the server has refused it ([provider.ErrRefused]): the table or a
// privilege is missing, the server is read-only, has no connection left, or has no room
// ([provider.ErrFull]).
//
// A call without a deadline may wait forever for a host that has vanished. Package session
// sets a deadline for each call. The parameter timeout of Open limits the whole login; that
// of the driver limits only the first part of it.
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
//   - Close the rows, or commit, before you write.
//   - Call Session.Save before you take the connection.
//   - Give the sessions a pool of their own, as Open does. A few connections are enough.
//
// # Messages between instances
//
// There are none: MySQL and MariaDB have nothing like LISTEN and NOTIFY. The Provider is no
// provider.Broadcaster, and package session polls instead.
//
// # What may be lost
//
// A Save that has returned survives a crash of the server if it writes each commit to
// disk, which is the default: innodb_flush_log_at_trx_commit=1, and for the binary log
// sync_binlog=1, which is the default of MySQL but not of MariaDB. With other values a
// crash undoes the last second or more, including a logout.
//
// The following has not been run; it is what the documentation of these systems says.
//
//   - Asynchronous replication, the default: changes that the replica has not received are
//     lost in a failover. Semi-synchronous replication waits for a replica, but falls back
//     to asynchronous after a timeout (rpl_semi_sync_source_timeout). A primary that
//     continues after its replica was promoted accepts writes that will be lost: preventing
//     that (fencing) is the task of the cluster manager.
//   - Galera: a commit is certified by all nodes. A conflict is error 1213, and is repeated.
//     A node applies the changes of others a little later, so a read from another node may
//     be outdated: write and read through one node, or set wsrep_sync_wait=1, which costs a
//     wait for each read.
//   - Group Replication and InnoDB Cluster: write and read through the primary. After a
//     failover, the new primary may answer reads before it has applied everything, unless
//     group_replication_consistency is at least BEFORE_ON_PRIMARY_FAILOVER.
//
// Versions are partly random, so a writer whose base was lost gets a conflict, and never
// overwrites a change silently.
//
// # Replicas and proxies
//
// Never read from a replica with this provider: it is behind, so a request might not find
// the session that the previous request has created. A proxy that splits reads from
// writes, such as ProxySQL with rules for SELECT or MaxScale's readwritesplit, must send all
// statements about the table to the primary. ProxySQL has not been run. Its own errors,
// from 9000 on, are in doubt.
//
// After a failover, connections to a server that has become a replica stay open, and their
// writes are refused. Add rejectReadOnly=true to the parameters of the driver: it then
// closes such connections.
//
// # Expiry
//
// The server's clock counts, in UTC; time zones do not matter. A record is absent from the
// millisecond of its expiry on, whether it has been purged or not. Save checks this after
// it has locked the row. After a failover the clock is another machine's.
//
// Package session computes the expiry with the clock of the application: synchronize
// both. If the server's clock is ahead by more than session.Config.IdleTimeout, each
// session has expired when it is stored, and nobody can sign in. Package session logs an
// error then.
//
// # Operation
//
// Count the sessions with
//
//	SELECT COUNT(*) FROM holdfast_sessions WHERE expires_at = 0 OR expires_at > UNIX_TIMESTAMP() * 1000;
//
// A long transaction anywhere on the server keeps InnoDB from removing old versions of
// rows, and the table grows. IDs are hashes that cannot be used to take over a session. To
// keep them and the data out of the server's logs, leave general_log off: the statements
// contain both. The same is true of the slow log and of a binary log of statements.
//
// The driver logs broken connections to standard error, unless mysql.Config.Logger is
// set; Open sets it. The table may be partitioned by KEY (id).
package mysql
