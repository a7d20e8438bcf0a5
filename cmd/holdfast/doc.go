// Holdfast manages the sessions in a store: it lists, shows, ends and counts them,
// creates the table they need and removes expired ones. It moves them to another store,
// and copies them to and from backups. It estimates what so many sessions take of a store.
//
//	go install github.com/holdfast-go/holdfast/cmd/holdfast@latest
//
//	holdfast [-store URL] list [-user ID | -label NAME=VALUE [-namespace NAME]] [-prefix TEXT] [-limit N] [-json]
//	holdfast [-store URL] show [-json] ID
//	holdfast [-store URL] revoke [-yes] ID...
//	holdfast [-store URL] revoke [-yes] [-namespace NAME] -user ID | -label NAME=VALUE
//	holdfast [-store URL] revoke [-yes] [-namespace NAME] -everything -within DURATION
//	holdfast [-store URL] stats [-json]
//	holdfast [-store URL] purge
//	holdfast move -from URL -to URL [-dry-run | -verify | -clean] [-create] [-parallel N] [-yes] [-json]
//	holdfast copy -from URL -to URL [-verify] [-create] [-replace] [-revive] [-parallel N] [-json]
//	holdfast size -sessions N -requests R [-bytes B] [-changes SHARE] [-owned SHARE] [-idle DURATION] [-used DURATION] [-store KIND] [-replicas N] [-json]
//	holdfast [-store URL] create
//	holdfast [-store URL] admin [-namespace NAME] [-port N] [-read-only]
//	holdfast [-store URL] serve [-listen ADDRESS] [-token-file FILE | -no-token] [-tls-cert FILE -tls-key FILE | -plain]
//	holdfast help [COMMAND]
//
// # Stores
//
// A store is given by its URL:
//
//	sqlite:shop.db or sqlite:///path/to/shop.db   ?table=&synchronous=normal
//	redis://user:password@host:port/database      rediss:// by TLS; ?prefix=
//	redis-cluster://user:password@host:port       rediss-cluster:// by TLS; ?addr=host:port&prefix=
//	unix://user:password@/path/to/redis.sock      ?db=0&prefix=
//	postgres://user:password@host:port/database   ?table=
//	mysql://user:password@host:port/database      ?table=; MariaDB too
//	dynamodb://table                              ?prefix=&endpoint=http://host:port
//	etcd://user:password@host:port,host:port      etcds:// by TLS; ?prefix=&ca=&cert=&key=
//	nats://user:password@host:port,host:port      tls:// by TLS; ?bucket=&replicas=&creds=&ca=&cert=&key=
//	https://host/path                             of holdfast serve; ?token-file=&ca=&cert=&key=
//	http://localhost:port                         the same; http://host?plain=true
//	http+unix:///path/to/socket                   the same
//	file:///directory                             of examples/customprovider
//	backup:file                                   of holdfast copy, for it alone
//
// The parameters are the options of the provider, if the program sets them. Set the
// environment variable HOLDFAST_STORE to the URL, so that the password is neither in the
// list of processes nor in the history of the shell. For move and copy, HOLDFAST_FROM and
// HOLDFAST_TO are the URLs; they do not use HOLDFAST_STORE.
//
// # What it shows
//
// A session is named by its public ID, which is [session.Session.PublicID] and appears in
// the program's log. It is a hash of the token in the cookie, which is not in the store.
// So the tool cannot show anything that could be used to take over a session. It does not
// show the keys that sign cookies either. It does show the values, which are the
// visitor's data; list and stats show none.
//
// Values that a codec of the program's own has encoded are shown as bytes. Records that
// provider/sealed has encrypted are opened with the keys in the environment variable
// HOLDFAST_SEAL_KEYS, in base64, separated by commas.
//
// list and stats read the whole store, a page at a time, without keeping it in memory.
// With -user or -label, list reads only the sessions of the user or of the label. A session
// that changes in the meantime may be listed twice. Sessions that revoke -everything has
// ended are still listed, until they expire. All times are UTC.
//
// # Ending sessions
//
// revoke ends sessions as [session.Manager.Revoke], [session.Manager.RevokeAll] and
// [session.Manager.RevokeBy] do: a request that is using one can no longer save, and a
// concurrent login is either ended, too, or takes effect after it. It asks for confirmation
// before it ends more than one. A user is named by the ID that the program has passed to
// [session.Session.SetOwner], and a label by the name and the value that it has passed to
// [session.Session.SetLabel], as in tenant=acme. If the program has a Config.Namespace, give
// it as well, or these sessions are not found. It is an error if no session is found.
//
// revoke -everything ends all sessions of the Namespace, as
// [session.Manager.RevokeEverything] does, and always asks for confirmation. It needs a
// program with a Config.RevokeEverythingWithin: a program without it goes on to serve the
// sessions, which the tool cannot know. Give that time as -within, or a longer one. The tool
// waits for a little longer than that. When it ends with exit code 0, no instance of the
// program serves a session that began before.
//
// For SQLite and a store of files, run the tool as the program's own user: the program
// cannot use files that another user has made.
//
// # The admin page
//
// admin serves the page of package admin for the store, on 127.0.0.1 only, and prints its
// address. The address works once: the token in it is exchanged for a cookie, and the browser
// that has opened it first has the page until Ctrl-C. The page finds and ends sessions, shows
// values and adds signing keys; what the operator does is printed on the standard error, with
// the name of the user who runs the tool. With -read-only it shows sessions without values,
// and ends none. If the program has a Config.Namespace, give it. The page has no figures of
// the last hour and cannot end every session at once: for these, mount package admin in the
// program.
//
// # Maintenance
//
// create creates the database and table of SQLite, the table of PostgreSQL, MySQL or
// DynamoDB, the bucket of NATS, or the directory, or checks an existing one. It may be
// repeated. purge removes expired records from SQLite, PostgreSQL, MySQL, etcd and files;
// the other stores do so by themselves, and a server of an https:// URL has to.
//
// # Serving
//
// serve serves the store over HTTP, to programs that use provider/httpstore and to this
// tool, whose -store is then the URL that serve prints. The store may be memory:, which
// lasts as long as serve runs. Tables and directories that are missing are created, and
// expired records are removed every ten minutes if the store does not do so itself.
//
//	HOLDFAST_TOKEN=$(openssl rand -base64 32) holdfast -store memory: serve
//
// Clients must send one of the tokens in -token-file, one a line, or in HOLDFAST_TOKEN,
// with blanks between them. To replace a token, add the new one, restart serve, give the
// new one to the clients, and remove the old one; this tool uses the first one. On an
// address of another machine's network, serve wants a certificate (-tls-cert and -tls-key),
// or -plain. If an authority of your own has signed it, the URL of the clients needs
// ?ca=FILE. A Unix socket (-listen unix:///run/holdfast/store.sock) can be opened by the
// same user only; with -no-token that is sufficient.
//
// After SIGTERM or Ctrl-C, serve finishes the running requests, for ten seconds at most.
//
// # Moving to another store
//
// move moves every record of -from to -to, with the same ID, version, expiry, format and
// data: sessions, the lists of users' sessions, and the keys that sign cookies. The program
// is stopped meanwhile, or every instance of it is in the phase Move of
// [github.com/holdfast-go/holdfast/provider/migrate]. See that package, or the page
// docs/moving.md, for the steps before and after. Since an instance that uses -from alone
// would lose sessions, move asks for a confirmation; -yes gives it.
//
// Each record that was moved leaves a marker in -from. An interrupted move, also one that
// was killed, goes on when it is run again. It ends with exit code 0 if nothing is left to
// move. Otherwise it says what is left and why: too large for -to, another record of the
// same ID in -to, no positive version, a damaged marker, or an error of a store. The
// other records are moved all the same.
//
//   - -dry-run moves nothing. It counts records and bytes, and what would be refused; the
//     exit code is then 1. To see whether -to takes the largest record, it saves one of that
//     size there, which counts as absent, and deletes it. It does the same with a marker in
//     -from, which has to take the largest one while a record is moved.
//   - -verify changes nothing. It looks up each ID of -from in -to. It counts the records
//     that are not moved, by what -to has, and the IDs that are moved, by whether their
//     records have ended since. The exit code is 1 if one is not moved.
//   - -clean removes the markers from -from, when every instance uses -to alone. It is not
//     needed if that store is dropped. It does nothing if a record is not moved.
//
// While instances are in the phases Prepare and Move, the other commands see one store only:
// list shows the sessions of that store, and revoke must not be used.
//
// # Copies and backups
//
// copy copies the records of a store to a file or to another store, or those of a file to a
// store. backup:shop.hfb is the file shop.hfb; backup:///var/backups/shop.hfb has a whole
// path. It is not file:, which names a store that a program can run on.
//
// The file has its name when it is whole and on the disk. A process that is killed leaves
// one whose name goes on with .part-. Nobody else may read it. An existing file is replaced
// only with -replace. If HOLDFAST_SEAL_KEYS has keys, the first of them seals the records,
// as provider/sealed does, also those that the store has sealed already. The sealed file
// shows IDs, versions, expiry and sizes, and any change of it is found.
//
// To restore, copy reads the whole file first. If it is cut off, was changed, was written
// by a later version, or needs other keys, nothing is restored. A file that is not sealed is
// refused while HOLDFAST_SEAL_KEYS is set. A record that has expired is left out. A record
// of -to is kept, unless -replace is given, whichever is newer.
//
// A restored backup opens sessions again that have been ended since it was made. So it
// needs -revive. End the sessions of the users who must stay out with revoke afterwards.
// Restore before the program uses the store, or it makes new keys and does not know the
// cookies of the restored sessions.
//
// A copy that is made while a program uses the store is of no single moment: each record is
// as it was at some moment of the copy. A session that was renewed meanwhile may be missing,
// and a user's list of sessions may be older or newer than the sessions. A record that
// changed meanwhile may be in a backup twice; the first is restored, and the other is
// counted as not copied. Repeating a copy does not remove from -to what has ended in -from.
// A store that is being moved cannot be copied.
//
// With -verify, copy changes nothing and compares the records of -from, also of a backup,
// with those of -to. The exit code is 1 if one of them is not the same there.
//
// # Estimates
//
// size estimates what -sessions stored at a time, with -requests a second, take of a store:
// records, memory, disk, reads and saves a second, connections, for DynamoDB units, and for
// DynamoDB and Cloudflare money a month. It says which limit of the store is reached first,
// and at how many sessions. Without -store it compares all stores. It opens none: -store is
// a kind, such as redis, or a URL of which only the scheme matters.
//
// -bytes are those of a session's data, as stats counts them. -changes is the share of the
// requests that change the session, and -owned the share of the sessions whose visitor signs
// in, as 10% or 0.1. -idle is the program's Config.IdleTimeout, and -used the time from a
// session's first request to its last: together they are how long a session is stored, and
// so they tell how many begin in a second. Take the requests of the busiest hour. The page
// docs/scale.md says what the estimates are made of.
//
// # JSON
//
// list -json prints one object per line:
//
//	{"id":"…","owner":"42","labels":{"tenant":"acme"},"created":"2026-11-22T03:04:05.678Z","lastSeen":"…","expires":"…","size":312,"keys":2}
//
// show -json prints one object: id, kind (session, tombstone, owner-index, label-index,
// epoch, keyring, sealed, marker or unreadable), sealed, format, size, commits, owner,
// labels by their names, successor, created, started, lastSeen, expires, deadline, values
// by their keys, undecoded with the bytes of values that could not be decoded, in base64,
// and sessions with the public IDs in an owner index or a label index. Bytes in values are in base64, too.
//
// stats -json prints one object: records and bytes; kinds and formats, each with records
// and bytes; owners, unowned, ages by 1h, 1d, 7d, 30d and older, expiring by 1h and 1d,
// and largest, five public IDs with their sizes. Sizes are in bytes.
//
// move -json prints one object: moved; gone, which had ended or were moved by others;
// changed, moves that began again because the record had changed; left, with its parts
// tooLarge, inBoth, unversioned, damaged and failed; complete. With -dry-run: left, bytes,
// largest, marked, refused, with its parts tooLarge, inBoth, unversioned and damaged, and
// limit, the size that -to takes. With -verify: left, with its parts moving, missing, same,
// differ and damaged; marked; ended, the part of marked that -to has not; complete. With
// -clean: removed. Sizes are of format and data.
//
// size -json prints one object for each store: store, load with what was asked (durations in
// nanoseconds), records and rates by kind, bytesOfSession, memory, disk, table, copies,
// masters, network, connections, cores, purge in seconds, units of DynamoDB a second, money
// with its costs, limits with needed, most and share, the one that is reached first first,
// and beyond, what to do then. Numbers are not rounded, but no more exact than those of the text.
//
// copy -json prints one object: copied, replaced, kept, expired, refused, with its parts
// tooLarge and unversioned, and complete. To a backup: copied, bytes, sealed. With -verify:
// same, differ, missing, expired, complete.
//
// Empty fields may be omitted. Fields may be added; the meaning of a field does not
// change.
//
// # Exit codes
//
// 0: success. 1: the command failed, there was no such session, or move or copy is not
// complete. 2: the command line is wrong, or a confirmation was needed and the standard
// input is not a terminal or has ended. An error is one line on the standard error.
package main
