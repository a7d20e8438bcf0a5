// Package sealed encrypts records before another provider stores them, and lets
// nothing pass that it has not sealed itself.
//
//	key, err := base64.StdEncoding.DecodeString(os.Getenv("SESSION_STORE_KEY"))
//	...
//	store, err := sealed.New(postgresprovider.New(pool), [][]byte{key})
//	...
//	sessions, err := session.New(store, session.Config{})
//
// # What it is for
//
// Without it, a stolen database opens no session, but shows what is in all of
// them, and the keys that sign cookies as well, which are a record of the store
// where Config.SigningKeys are not set. And who can write to the store can sign
// in as anyone: it is enough to change the record of one's own session.
//
// A sealed record can only be read, and only be made, with a key. The same goes
// for dumps, replicas and logs of the database.
//
// # What it hides and what not
//
// Data and Format are encrypted. ID, Version and ExpiresAt are what the store
// works with, so they are in the clear, as are the length of the Data and which
// records share a key. Sessions' IDs are hashes.
//
// ID, Version and ExpiresAt are authenticated: a record that was moved to another
// ID, or given another version or expiry, is [provider.ErrUnreadable], like one of which
// a bit was changed. To end a session by hand, delete its record.
//
// # What remains
//
// Who can write to the store can still delete records, and put a record back as
// a whole that was there before: an earlier state of a session, also one that has
// signed out since. It can be done until the ExpiresAt of that state, and cannot
// be noticed by anyone who keeps no state elsewhere. The ring of signing keys
// never expires. So if somebody may have written to the store, seal by a new
// key, drop the old ones, and begin with an empty store.
//
// A record can also be put into another store that is sealed by the same key. Let
// each have a key of its own.
//
// # Keys
//
// A key is 32 random bytes:
//
//	openssl rand -base64 32
//
// It belongs where the store is not: in a secret manager, not in the database or
// its backups. Records are lost with their key; begin with an empty store then.
//
// The first key seals, all of them open. Every Save seals anew, by the first key.
// To change keys while several instances run:
//
//  1. Add the new key at the end, so that every instance can open what it seals.
//  2. When all have it, move it to the front.
//  3. When no record of the old key is left, remove that.
//
// Sessions in use are saved again and again, but persistent ones only when they
// change, and the ring of signing keys only when it rotates. So the third step
// is due after the longer of PersistLifetime and SigningKeyRotation, and a day: with
// the defaults after 31 days, if the program was in use.
//
// A key that has leaked should not wait: what it has sealed, and whatever its
// thief would seal, opens as long as it is there. Remove it at once, and begin
// with an empty store.
//
// # Beginning
//
// Begin with an empty store: a table or a key prefix of its own, or another
// Namespace in session.Config. Records from before are [provider.ErrUnreadable], the
// signing keys among them. They are not taken over: a store that may hold records
// in the clear is one where anybody who can write to it can put one.
//
// # Errors
//
// A record that no key opens, since it was altered or moved, or its key was
// removed, is a session.ErrUnreadable to the handlers: the answer is 503, and
// nothing is overwritten. Let Config.ErrorHandler call Manager.ClearCookie, so that the
// visitor may start anew; see the example.
//
// # Construction
//
// Records are sealed by XAES-256-GCM (https://c2sp.org/XAES-256-GCM), which is
// AES-256-GCM of the standard library under a key of its own for each Save. A key
// that is used directly, with random nonces, would have to be changed after 2^32
// saves (NIST SP 800-38D, section 8.3); this one lasts for 2^80. Nothing in it is
// barred by GODEBUG=fips140=only.
//
// AES-GCM is not key-committing: one who knows two keys can make a record that
// opens to different content under each. Here that gains nothing, since a record
// names its key, by 8 bytes derived from it, and no other is tried.
package sealed
