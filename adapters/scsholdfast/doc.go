// Package scsholdfast has the methods of scs's SessionManager
// (github.com/alexedwards/scs/v2) over Holdfast. An app moves by its imports and its
// Store:
//
//	import (
//		scs "github.com/holdfast-go/holdfast/adapters/scsholdfast"
//		redisprovider "github.com/holdfast-go/holdfast/provider/redis"
//	)
//
//	sessions := scs.New()
//	sessions.Store = redisprovider.New(client)
//
// An app that keeps its sessions in memory changes one import. The directory
// verify/interop/scs of the repository has an app before and after its move, of which
// three lines differ, and runs scs's own tests over this package.
//
// With scs, a request loads the session as a whole and saves it as a whole, so that
// parallel requests overwrite each other's changes, and a logout is undone by a request
// that is still running. Here each key is a value of its own, and a session is saved only
// in a version that the request has taken into account: see package session.
//
// # Conflicts
//
// Parallel changes of different keys are merged. If a parallel request has changed the
// same key since this request has loaded the session, the result depends on what this
// request did with the key:
//
//	Put or Remove                           wins
//	Get, GetString, Exists …, then Put      session.ErrConflict
//	Get, then Remove or Clear               session.ErrConflict
//	Pop, PopString …                        session.ErrConflict: one request gets the value
//	Get, then Put of another key            is merged
//	RenewToken, Destroy                     is fine
//
// After a conflict nothing of the request is saved, and ErrorFunc answers in place of the
// handler, by default with status 409. There are three ways not to answer 409:
//
//   - [SessionManager.Replay] runs the handler of a route again.
//   - The Update of a [session.Key] is applied to the newest value. A Key and the methods
//     of SessionManager share their values: see [SessionManager.Session].
//   - [SessionManager.LastWriteWins] names keys whose changes may be lost, as with scs. It
//     suits flash messages.
//
// If a session is destroyed, renewed or expires while a request uses it, the changes of
// this request fail with session.ErrEnded, which is answered by 409, too.
//
// # Differences to scs
//
// Values are encoded one by one. Put encodes the value at once, and the commit encodes a
// pointer, map or slice again that was changed in place.
//
// A response with a status of 500 or more, and a panic, save nothing, except what Commit
// has saved before. Destroy always takes effect at once.
//
// RenewToken takes effect when the session is saved: see there.
//
// A cookie that has not changed is not sent again, since it could overwrite a newer one
// that a parallel login has set. With an IdleTimeout, the browser keeps the cookie until
// the deadline, and the store ends the session earlier.
//
// In a HEAD request, Pop removes nothing: see there.
//
// Sessions last 400 days at most. A session is limited to 64 KiB, which Config.MaxSize
// changes. A token that this package has not given out is never adopted.
//
// A request without a cookie, or with a forged one, takes no storage trip; one that only
// reads takes one; one that changes the session takes two. With an IdleTimeout, a request
// that only reads saves the session once in each tenth of the timeout, and not every
// time.
package scsholdfast
