// Package opensqlite opens a store of sessions in an SQLite file, in one line:
//
//	store, err := opensqlite.Open("shop.db")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer store.Close()
//
// This creates the file and the table, and removes expired sessions from time to time. The
// store is a [sqlite.Provider]; its package says what holds for several processes, for
// backups and for what may be lost.
//
// Package opensqlite is a module of its own because of its driver,
// github.com/ncruces/go-sqlite3. It needs no cgo. It was preferred to modernc.org/sqlite
// because it is 9 MB of source in 4 modules, and not 247 MB in 8 with a version of
// modernc.org/libc that the program's go.mod must not change; because it builds with the
// race detector in 22 s of CPU time, and not 38 s; and because by default it syncs a commit
// by fdatasync, in half the time, and locks files so that other parts of the process cannot
// end the lock. Both have SQLite 3.54.1 and several releases in the last three months;
// modernc's has a published policy for vulnerabilities, and a stable API, of which this
// package uses none.
//
// # Settings
//
// There is one connection for writing, and there are as many for reading as the program
// uses processors, at least 4. Writers take turns and end with their context. The
// connections have these settings:
//
//	                      writing              reading
//	busy_timeout          0                    0
//	journal_mode          WAL                  WAL
//	synchronous           FULL, or NORMAL      –
//	fullfsync             on (macOS)           –
//	journal_size_limit    16 MiB               –
//	query_only            off                  on
//
// With FULL, the default, an acknowledged change survives a power failure. [Normal] does
// without: a change then takes 40 to 100 µs, and not 240 to 340 µs, on the machine of the
// measurements in package sqlite.
//
// A new database can be read and written by its owner only. The write-ahead log beside it,
// which has the data of sessions, gets the permissions of the database. The third file,
// whose name ends in -shm, has no data; its permissions are up to the process's umask.
//
// A full disk is reported as provider.ErrFull: nothing was saved, and nothing is lost.
package opensqlite
