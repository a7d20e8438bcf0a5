// Package sealed encrypts records before another provider stores them, and rejects every
// record that it has not encrypted itself.
//
//	key, err := base64.StdEncoding.DecodeString(os.Getenv("SESSION_STORE_KEY"))
//	...
//	store, err := sealed.New(postgresprovider.New(pool), [][]byte{key})
//	...
//	sessions, err := session.New(store, session.Config{})
//
// # Purpose
//
// Without it, a stolen database cannot be used to take over a session, but it shows the
// content of all sessions. It also contains the keys that sign cookies, which are a
// record of the store if Config.SigningKeys is not set. Anyone who can write to the store
// can sign in as any user, by changing the record of their own session.
//
// Sealed records can be read and created only with a key. This also protects dumps,
// replicas and logs of the database.
//
// # What is encrypted
//
// Data and Format are encrypted. ID, Version and ExpiresAt are not, because the store
// needs them. The length of the Data and which records share a key are visible, too. The
// IDs of sessions are hashes.
//
// ID, Version and ExpiresAt are authenticated: a record that was moved to another ID, or
// given another version or expiry, is [provider.ErrUnreadable], like one of which a bit
// was changed. To end a session by hand, delete its record.
//
// The Provider is a [provider.Expirer] if the inner provider is. It opens the records that it
// tells of, and leaves out one that no key opens.
//
// Messages of [provider.Broadcaster] pass through as they are, neither encrypted nor
// authenticated: a sealed message of full length would be too long for the inner provider.
// Those of package session contain IDs of records and nothing of their content. So someone
// who listens to the store learns which sessions end, and when, which the records show as
// well. Someone who sends false messages causes reads: package session believes no message
// without reading the record. A program with messages of its own has to encrypt what must be
// secret.
//
// # Remaining risks
//
// Anyone who can write to the store can still delete records, and can restore a whole
// earlier record: an earlier state of a session, also of one that has signed out since.
// That works until the ExpiresAt of that state, and cannot be detected without state
// outside of the store. The ring of signing keys never expires. If an attacker may have
// written to the store, use a new key, remove the old ones, and start with an empty
// store.
//
// A record can also be copied into another store that is sealed with the same key. Use a
// different key for each store.
//
// # Keys
//
// A key is 32 random bytes:
//
//	openssl rand -base64 32
//
// Keep it apart from the store: in a secret manager, not in the database or its backups.
// If a key is lost, its records are lost; start with an empty store then.
//
// The first key seals, all keys open. Every Save seals the record again with the first
// key. To change keys while several instances run:
//
//  1. Add the new key at the end, so that every instance can open the records that it
//     seals.
//  2. When all instances have it, move it to the front.
//  3. When no record of the old key is left, remove the old key.
//
// Sessions in use are saved regularly, but persistent ones only when they change, and the
// ring of signing keys only when it rotates. The third step is therefore due after the
// longer of PersistLifetime and SigningKeyRotation, and a day: with the defaults after 31
// days, if the program was in use.
//
// A leaked key should be removed at once: as long as it is configured, all records that
// it has sealed, including those of an attacker, can be opened. Then start with an empty
// store.
//
// # Getting started
//
// Start with an empty store: a table or a key prefix of its own, or another Namespace in
// session.Config. Existing records are [provider.ErrUnreadable], including the signing
// keys. They are not migrated: if the store accepted unencrypted records, anyone who can
// write to it could add one.
//
// # Errors
//
// A record that no key opens, because it was changed or moved or its key was removed, is
// a session.ErrUnreadable for the handlers: the response is 503, and nothing is
// overwritten. Let Config.ErrorHandler call Manager.ClearCookie, so that the visitor gets
// a new session; see the example.
//
// # Construction
//
// Records are sealed with XAES-256-GCM (https://c2sp.org/XAES-256-GCM), which is
// AES-256-GCM of the standard library with a derived key for each Save. A key that is
// used directly, with random nonces, would have to be changed after 2^32 saves (NIST SP
// 800-38D, section 8.3); with XAES-256-GCM it lasts for 2^80. The construction works with
// GODEBUG=fips140=only.
//
// AES-GCM is not key-committing: with two known keys, an attacker can construct a record
// that opens to different content under each. Here that gains nothing, since a record
// names its key, by 8 bytes derived from the key, and no other key is tried.
package sealed
