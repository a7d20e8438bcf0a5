// Holdfast looks after the sessions in a store: it lists, shows, ends and counts
// them, makes the table they need and removes those that have expired.
//
//	go install github.com/holdfast-go/holdfast/cmd/holdfast@latest
//
//	holdfast [-store URL] list [-user ID [-namespace NAME]] [-prefix TEXT] [-limit N] [-json]
//	holdfast [-store URL] show [-json] ID
//	holdfast [-store URL] revoke [-yes] ID...
//	holdfast [-store URL] revoke [-yes] [-namespace NAME] -user ID
//	holdfast [-store URL] stats [-json]
//	holdfast [-store URL] purge
//	holdfast [-store URL] create
//	holdfast help [COMMAND]
//
// # Stores
//
// A store is given by its URL:
//
//	redis://user:password@host:port/database      rediss:// by TLS; ?prefix=
//	redis-cluster://user:password@host:port       rediss-cluster:// by TLS; ?addr=host:port&prefix=
//	unix://user:password@/path/to/redis.sock      ?db=0&prefix=
//	postgres://user:password@host:port/database   ?table=
//	dynamodb://table                              ?prefix=&endpoint=http://host:port
//	file:///directory                             of examples/customprovider
//
// prefix and table are the options of the provider, if the program sets them. Give
// the URL in the environment variable HOLDFAST_STORE, where nobody sees the password
// in the list of processes or the history of the shell.
//
// # What it shows
//
// A session is named by its public ID, which is [session.Session.PublicID] and what the
// program's log has. It is a hash of what the cookie holds, of which the store knows
// nothing: the tool cannot show what would let anybody into a session, nor does it
// show the keys that sign cookies. It does show the values, which are the visitor's.
// list and stats show none.
//
// Values that the codec of a program's own has encoded are shown as bytes.
// Records that provider/sealed has encrypted are opened by the keys in the
// environment variable HOLDFAST_SEAL_KEYS, in base64 with commas between them.
//
// list and stats read the whole store, a page at a time, and hold none of it: with
// -user list reads the user's sessions alone. A session that changes meanwhile may be
// listed twice. All times are UTC.
//
// # Ending sessions
//
// revoke ends sessions as [session.Manager.Revoke] and [session.Manager.RevokeAll]
// do: a request that is under way in one saves nothing any more, and a login that
// runs meanwhile is ended, too, or comes after it. It asks before it ends more than
// one. A user is whom the program has given to [session.Session.SetOwner]; if it has
// a Config.Namespace, give it as well, or the user's sessions are not found. That no
// session is found is an error.
//
// On files run it as the program's own user: what another one writes, the program
// cannot read.
//
// # Upkeep
//
// create makes the table of PostgreSQL or DynamoDB, or the directory, and checks one
// that is there. It may be repeated. purge removes what has expired from
// PostgreSQL and from files; the other stores do so by themselves.
//
// # JSON
//
// list -json prints an object a line:
//
//	{"id":"…","owner":"42","created":"2026-11-22T03:04:05.678Z","lastSeen":"…","expires":"…","size":312,"keys":2}
//
// show -json prints one object: id, kind (session, tombstone, owner-index, keyring,
// sealed or unreadable), sealed, format, size, commits, owner, successor, created,
// started, lastSeen, expires, deadline, values by their keys, undecoded, which are
// the bytes of values that could not be decoded, in base64, and sessions, the public IDs
// in an owner index. In values bytes are base64, too.
//
// stats -json prints one object: records, bytes, and of kinds and formats each the
// same; owners, unowned, ages by 1h, 1d, 7d, 30d and older, expiring by 1h and 1d,
// and largest, five public IDs with their sizes.
//
// What is empty may be left out. Fields may be added; none changes its meaning.
//
// # Exit codes
//
// 0: done. 1: it failed, or there was no such session. 2: the command line is wrong,
// or nobody was there to be asked. An error is one line on the standard error.
package main
