// Package provider is the contract between package session and the stores that
// sessions live in. A [Record] is one versioned value, opaque to the store; a
// [Provider] keeps records and replaces them by compare-and-swap.
//
// A program with sessions only picks a provider, one of the packages below this
// one. The rest of this text is for those who write another: the comments of
// [Provider] are the law, what follows is the commentary. Package providertest
// checks all of it that shows from outside.
//
// # Versions
//
// A version names the one Save that made it. It is the caller who makes it up,
// and no two Saves may ever use the same version with different content, not
// even two writers that have read the same record. Adding 1 to the version read
// is therefore a mistake: the writer that comes second takes the other's record
// for its own earlier attempt, and its update is lost. Let chance have a part
// in it; package session uses a counter above 32 random bits.
//
// To a provider versions are just numbers of 64 bits that are equal or not. It
// does not compute them nor order them, and does not let them pass through a
// float64 (Lua, JSON, JavaScript), which is exact only to 2^53.
//
// # Saving
//
// Save is one atomic step in the store: an UPDATE with a WHERE, a conditional
// put, a script, a lock. Reading, comparing and then writing is not. With stored
// for what is in the store, nil if there is nothing or it has expired, it does:
//
//	switch {
//	case expectVersion < 0:
//		// store rec
//	case expectVersion == 0 && stored == nil:
//		// store rec
//	case stored == nil:
//		return ErrVersionConflict
//	case expectVersion > 0 && stored.Version == expectVersion:
//		// store rec
//	case stored.Version == rec.Version:
//		return nil // stored by an earlier attempt
//	default:
//		return ErrVersionConflict
//	}
//
// The last case but one is for retries, a driver's own and the caller's: the
// first attempt has landed, its answer was lost, and now the record stands in its
// own way. To call that a conflict would deny a change that was made.
//
// What cannot be told apart must not be guessed at: where a store leaves it open
// whether a Save has landed, the error is any but [ErrVersionConflict], and the
// caller reads back.
//
// What is certain should be said. [ErrNotSaved] is for a Save of which nothing was
// sent: no address, no connection, a failed handshake. [ErrRefused] is for one that
// the store refused before it did anything: no such table, no privilege, no writes
// at present, no free connection in the pool. Package session then answers at once
// that nothing was saved. Mind the attempts of the driver: if it sends a Save twice,
// the refusal of the second says nothing about the first.
//
// Switch off what repeats a Save behind your back, as far as the driver allows
// it: an attempt that was given up may still land, after the next one.
//
// # Expiry
//
// A record is absent from the millisecond of its ExpiresAt on, however long the
// store takes to remove it. DynamoDB's takes days; every query then has to
// compare. It is the store's clock that counts where there is one, since those
// of many clients differ.
//
// Times are kept to the millisecond and rounded down, so that no record outlives
// its ExpiresAt. [Millis] and [FromMillis] do so for a store of numbers.
//
// Two traps: a store that takes a time to live reads zero or less as for ever,
// or refuses it, yet a record may be saved that has already expired; and a store
// that keeps the old time to live on an update, unless told otherwise, lets a
// session end in mid-use or never.
//
// # Errors
//
// Wrap the errors of this package and the context's, so that errors.Is finds
// them, and start the message with the name of your package. Never put a record's
// ID or data, a key, an address with a password into one: errors end up in
// logs and in bug reports. Mind the driver's own messages.
//
// A [*ConflictError] is worth the trouble where the record that won is at hand
// anyway, as in a script or a transaction. It saves the caller a Fetch while
// everybody else is waiting.
//
// # Listing
//
// A provider whose store can be gone through is a [Lister], too: one method, with
// rules of its own that providertest checks as well. What to think of:
//
//   - Pages, each a query of its own. A cursor, a transaction or a lock that is held
//     while the loop's body runs holds up the store, or dies of old age.
//   - A page begins after the last ID of the one before (WHERE id > … ORDER BY id
//     LIMIT …) or where the store's own cursor says. An OFFSET leaves records out when
//     others before them are deleted, as by a loop that purges.
//   - A record that is replaced must keep its place, or be yielded twice: the
//     visitors who are busiest are those whom one looks for. So do not go by version
//     or by expiry.
//   - The prefix is one of bytes. Escape it where the store takes patterns (MATCH,
//     LIKE), and mind the collation where it compares.
//   - Expired records that are still stored are left out.
//   - Ask the context at each step, also in the middle of a page.
//
// Those who range over a List must be ready for a record that comes twice, and for
// one that has gone when they come to it.
//
// # Beyond the contract
//
// Say in the package's documentation what the store does not promise: what a
// failover may undo, what is evicted when memory runs short, how far off the
// clocks may be, which settings it needs, what a List costs.
package provider
