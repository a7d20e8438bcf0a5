// Package provider is the contract between package session and the stores that hold
// sessions. A [Record] is one versioned value, opaque to the store. A [Provider] keeps
// records and replaces them by compare-and-swap.
//
// A program that only uses sessions picks a provider, one of the packages below this one.
// The rest of this text is for authors of providers. The comments of [Provider] are the
// contract; this text explains it. Package providertest checks every rule that can be
// observed from outside.
//
// # Versions
//
// A version names the one Save that made it. The caller of Save chooses it. No two Saves
// may ever use the same version with different content, not even two writers that have
// read the same record. Adding 1 to the version read is therefore a mistake: the second
// writer takes the other's record for its own earlier attempt, and its update is lost.
// Versions need a random part; package session uses a counter above 32 random bits.
//
// To a provider versions are 64-bit numbers that are equal or not. A provider neither
// computes nor orders them. It must not pass them through a float64 (Lua, JSON,
// JavaScript), which is exact only to 2^53.
//
// # Saving
//
// Save is one atomic step in the store: an UPDATE with a WHERE, a conditional put, a
// script, a lock. Reading, comparing and then writing is not atomic. With stored as the
// record in the store, nil if there is none or it has expired, Save does this:
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
// The last case but one is for retries, by the driver or by the caller: the first attempt
// was stored, its response was lost, and now the retry meets its own record. To report a
// conflict would deny a change that was made.
//
// If the store leaves it open whether a Save was stored, the provider must not guess. It
// returns any error except [ErrVersionConflict], and the caller reads back.
//
// If the result is certain, the provider should report it. [ErrNotSaved] is for a Save of
// which nothing was sent: no address, no connection, a failed handshake. [ErrRefused] is
// for a Save that the store refused before it did anything: no such table, no privilege,
// no writes at present, no free connection in the pool. Package session then answers at
// once that nothing was saved. Consider the retries of the driver: if it sends a Save
// twice, the refusal of the second attempt says nothing about the first.
//
// As far as the driver allows it, switch off automatic retries of a Save: an attempt that
// was given up may still be stored, after the next one.
//
// # Expiry
//
// A record is absent from the millisecond of its ExpiresAt on, however long the store
// takes to remove it. DynamoDB takes days, so every query has to compare the expiry. If
// the store has a clock, that clock counts, because those of many clients differ.
//
// Times are kept to the millisecond and rounded down, so that no record outlives its
// ExpiresAt. [Millis] and [FromMillis] convert them for a store of numbers.
//
// There are two pitfalls. A store that takes a time to live may read zero or a negative
// one as forever, or refuse it, yet a record may be saved that has already expired. And a
// store that keeps the old time to live on an update, unless it is set again, ends a
// session while it is in use, or never.
//
// # Errors
//
// Wrap the errors of this package and the context's, so that errors.Is finds them. Start
// the message with the name of your package. Never put a record's ID or data, a key, or
// an address with a password into an error: errors end up in logs and in bug reports.
// Check the driver's own messages for these.
//
// Return a [*ConflictError] if the current record is available at no extra cost, as in a
// script or a transaction. It saves the caller a Fetch while other requests are waiting.
//
// # Listing
//
// A provider whose store can be iterated over also implements [Lister]. It has one
// method, with rules of its own that providertest checks as well. Guidelines:
//
//   - Read pages, each with its own query. A cursor, a transaction or a lock that is held
//     while the loop's body runs blocks the store or times out.
//   - Begin a page after the last ID of the one before (WHERE id > … ORDER BY id LIMIT …)
//     or where the store's own cursor says. An OFFSET leaves records out when others
//     before them are deleted, as by a loop that purges.
//   - A record that is replaced must keep its place, or be yielded twice: the sessions in
//     use are often the ones being looked for. So do not order by version or by expiry.
//   - The prefix is one of bytes. Escape it where the store takes patterns (MATCH, LIKE),
//     and consider the collation where it compares.
//   - Leave out expired records that are still stored.
//   - Check the context at each step, also in the middle of a page.
//
// Callers that range over a List must expect a record that is yielded twice, and a record
// that is deleted before they use it.
//
// # Messages
//
// A provider whose store can tell all its clients something also implements [Broadcaster],
// which providertest.RunBroadcaster checks. Guidelines:
//
//   - A client that reconnects by itself hides that messages were missed. Use a connection
//     that cannot, or watch for it.
//   - Only an answer shows that a connection is alive: send a ping, or ask for a sign.
//   - What the server acknowledges does not always mean that messages arrive: a pooler may
//     listen in another's name, and a user may lack a right. A message to oneself shows it.
//   - Put the records into the channel's name: the prefix, the table, the database.
//   - Listen needs a connection beside the pool, or one that is shared by all calls.
//     Otherwise it takes one from the calls that save sessions.
//   - Read what arrives while heard runs. A connection that is not read holds up the server.
//
// # Beyond the contract
//
// Document in your package what the store does not guarantee: what a failover may undo,
// what is evicted when memory runs out, how much the clocks may differ, which settings it
// needs, what a List costs.
package provider
