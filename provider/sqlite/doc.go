// Package sqlite is a provider that keeps records in a table of an SQLite database, by
// database/sql and a driver of the program's choice. For a program on one machine it is a
// store that survives restarts and needs no server.
//
// The nested module provider/sqlite/opensqlite brings a driver, and does all that this
// package asks for, in one line:
//
//	store, err := opensqlite.Open("shop.db")
//
// With another driver, or a database that the program has opened already, use this
// package itself; the example shows how. Instead of [Provider.CreateTable] a migration
// may run schema.sql or the result of [Provider.Schema].
//
// The tests run with github.com/ncruces/go-sqlite3 and modernc.org/sqlite, neither of
// which needs cgo. The result codes of github.com/mattn/go-sqlite3 are understood, too,
// but no test runs with it. SQLite 3.44 or later is needed.
//
// # Settings
//
// [Provider.CreateTable] checks these settings, except for the first, and returns an error
// that says what to do:
//
//   - PRAGMA busy_timeout = 0 for each connection. The Provider waits for a lock itself:
//     its writers take turns, and a call ends with its context. With a busy_timeout SQLite
//     waits. Both drivers above end that wait with the context, but a Save that was still
//     waiting may then be reported as of unknown outcome. Other drivers may end it late.
//   - PRAGMA journal_mode = WAL, once for a file. Otherwise readers and writers keep each
//     other waiting.
//   - PRAGMA synchronous = FULL or NORMAL for each connection that writes; see below.
//   - The encoding UTF-8, which is SQLite's default.
//   - A database in memory has a single connection, by SetMaxOpenConns(1).
//
// One connection for writing and several for reading, by the option [Reader], serve best:
// SQLite has one writer at a time, and readers do not wait for it. One pool for both works
// as well. Handlers of the program may use the pools, but see "A pool shared with
// handlers" in package postgres: a handler that writes its response while it holds the
// only connection, or a transaction that has changed something, waits for itself until
// session.Config.StoreTimeout ends.
//
// # Costs
//
// Fetch, Save and Delete are one statement each, which is prepared once for a connection.
// A Save that is not stored takes a second one, which reads the current record for the
// conflict. Before each call the Provider asks the operating system whether the file is
// still the one that was opened, which takes a microsecond. Measured on two busy cores
// with an SSD; raw is the shortest SQL that does without expiry and conflicts:
//
//	                             ncruces            modernc
//	                          raw  provider      raw  provider
//	Fetch of 300 bytes       16 µs    18 µs     27 µs    46 µs
//	Fetch of 4 KiB           23 µs    32 µs     37 µs    32 µs
//	Save of 300 bytes, FULL    242 to 343 µs      591 to 642 µs
//	Save of 4 KiB, FULL        242 to 256 µs      644 to 993 µs
//	Save of 300 bytes, NORMAL   37 to 42 µs        45 to 47 µs
//	Save of 4 KiB, NORMAL       50 to 97 µs        82 to 87 µs
//
// The file has 430 bytes for a record with 300 bytes of data and 1.4 KB for one with 1000
// bytes. The design of the table is based on measurements of a WITHOUT ROWID table: with
// 1000 bytes of data and more it takes 1.3 to 2.3 times as long for a save, twice as long
// for a fetch, and up to three times the room.
//
// List reads 256 records at a time by the index, in the order of their IDs. [Provider.Purge]
// reads the table, since an index on the expiry would have to be written with every save.
//
// Data is limited to 16 MiB: a longer Save would keep all other writers waiting.
//
// # Several processes
//
// Any number of processes of one machine may use a file at the same time. All writers
// together are one at a time. Those of one Provider are served in the order of their
// calls; processes try again, after pauses of 1 to 24 milliseconds, until their context
// ends. A process that is stopped while it writes keeps all others from writing, and none
// from reading. When it is killed, the next writer goes on.
//
// There is one exception, which lasts for microseconds of each commit: a process that is
// stopped while it publishes the commit in the -shm file keeps the others from reading,
// too, until it continues or is killed. Their calls then exceed their context's deadline
// by up to ten seconds, because SQLite waits that long and cannot be interrupted.
//
// Never put the file on a network file system (NFS, SMB): their locks are unreliable, and
// the write-ahead log needs memory that the processes share. The same is true of a file
// that is shared between containers on different machines, or between a virtual machine
// and its host.
//
// Do not open one file with two drivers in the same process, and do not open and close the
// file by other means in it, as to copy it: POSIX locks belong to the process, and end
// when any part of it closes the file.
//
// # Messages between instances
//
// There are none: SQLite tells a process nothing of what another one writes. The Provider is
// no provider.Broadcaster, and package session polls instead.
//
// # What may be lost
//
// With PRAGMA synchronous = FULL, a Save that has returned survives the end of the process,
// a crash of the operating system and a power failure, provided that the disk keeps what
// it has confirmed. With NORMAL it survives the end of the process only: a power failure
// may undo the last saves, including a logout, back to the last checkpoint, which SQLite
// makes every 1000 pages. The database is not damaged. Versions are partly random, so a
// writer whose base was lost gets a conflict. On macOS, add PRAGMA fullfsync = 1.
//
// The database is three files: shop.db, and beside it shop.db-wal with the last changes,
// and shop.db-shm. Never remove or copy them one by one while a program uses them, and
// keep shop.db-wal with shop.db after a crash. If the file is removed, renamed or replaced
// while it is open, every call fails and says so: SQLite itself would go on with the old
// file, and what it saves would be lost.
//
// # Backups
//
// SQLite makes a consistent copy while programs read and write, by the command
//
//	sqlite3 shop.db "VACUUM INTO 'backup.db'"
//
// or ".backup backup.db", or the same statement by a connection of the program that may
// write. The copy may be read by whom the umask admits, usually by everyone (mode 0644),
// whatever the mode of shop.db is: run "umask 077" before the command, or write it into a
// directory of mode 0700. The copy holds every change that was acknowledged before it began. To restore it,
// stop all programs, remove the three files, and put the copy in their place. Sessions that
// have ended since the backup are then alive again.
//
// # Errors
//
// If a statement was not begun, or SQLite says that it was rolled back, nothing was saved:
// provider.ErrRefused or provider.ErrNotSaved. This is so if the time was over before the
// Provider got the lock, for a read-only file, a missing table, a full disk
// (provider.ErrFull), and for a file that is not a database. A failure to write or to sync,
// or a context that ends while the statement runs, leaves the outcome open. The driver of
// ncruces reports a full disk as a failure to write, unless package opensqlite has opened
// the file. Errors have SQLite's result code. They do not have the text of a trigger, which
// may quote a value.
//
// # Expiry
//
// The clock of the machine counts, at the time when SQLite runs the statement, after a
// wait for the lock. A record is absent from the millisecond of its expiry on, whether it
// has been purged or not.
//
// # Operation
//
// The file does not shrink. Purge makes room that new records use; VACUUM gives it back to
// the disk, and keeps all writers waiting while it runs. Purge of a million records of 400
// bytes, of which 100,000 had expired, took half a minute, in steps of a few milliseconds.
//
// A reader that does not come to an end, such as a transaction of another program, keeps
// SQLite from reusing the write-ahead log, which then grows. Count the sessions with
//
//	SELECT count(*) FROM holdfast_sessions WHERE expires_at = 0 OR expires_at > unixepoch() * 1000;
//
// IDs are hashes that cannot be used to take over a session. The data is not encrypted:
// only the user that runs the program should be able to read the files. Package
// provider/sealed encrypts it.
package sqlite
