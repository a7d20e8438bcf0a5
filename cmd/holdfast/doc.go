// Holdfast manages the sessions in a store: it lists, shows, ends and counts them,
// creates the table they need and removes expired ones.
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
//	etcd://user:password@host:port,host:port      etcds:// by TLS; ?prefix=&ca=&cert=&key=
//	nats://user:password@host:port,host:port      tls:// by TLS; ?bucket=&replicas=&creds=&ca=&cert=&key=
//	file:///directory                             of examples/customprovider
//
// prefix, table, bucket and replicas are the options of the provider, if the program sets them. Set the
// environment variable HOLDFAST_STORE to the URL, so that the password is neither in the
// list of processes nor in the history of the shell.
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
// With -user, list reads only the user's sessions. A session that changes in the meantime
// may be listed twice. All times are UTC.
//
// # Ending sessions
//
// revoke ends sessions as [session.Manager.Revoke] and [session.Manager.RevokeAll] do: a
// request that is using one can no longer save, and a concurrent login is either ended,
// too, or takes effect after it. It asks for confirmation before it ends more than one. A
// user is named by the ID that the program has passed to [session.Session.SetOwner]. If
// the program has a Config.Namespace, give it as well, or the user's sessions are not
// found. It is an error if no session is found.
//
// For a store of files, run the tool as the program's own user: the program cannot read
// files that another user has written.
//
// # Maintenance
//
// create creates the table of PostgreSQL or DynamoDB, the bucket of NATS, or the
// directory, or checks an existing one. It may be repeated. purge removes expired records
// from PostgreSQL, from etcd and from files; the other stores do so by themselves.
//
// # JSON
//
// list -json prints one object per line:
//
//	{"id":"…","owner":"42","created":"2026-11-22T03:04:05.678Z","lastSeen":"…","expires":"…","size":312,"keys":2}
//
// show -json prints one object: id, kind (session, tombstone, owner-index, keyring,
// sealed or unreadable), sealed, format, size, commits, owner, successor, created,
// started, lastSeen, expires, deadline, values by their keys, undecoded with the bytes of
// values that could not be decoded, in base64, and sessions with the public IDs in an
// owner index. Bytes in values are in base64, too.
//
// stats -json prints one object: records and bytes; kinds and formats, each with records
// and bytes; owners, unowned, ages by 1h, 1d, 7d, 30d and older, expiring by 1h and 1d,
// and largest, five public IDs with their sizes. Sizes are in bytes.
//
// Empty fields may be omitted. Fields may be added; the meaning of a field does not
// change.
//
// # Exit codes
//
// 0: success. 1: the command failed, or there was no such session. 2: the command line is
// wrong, or a confirmation was needed and the standard input is not a terminal. An error
// is one line on the standard error.
package main
