// Package admin is an operator's page for the sessions of a program: what is stored, what
// happened in the last hour, and what must end. It needs the standard library only, makes
// no request to other hosts, and works without JavaScript.
//
// Mount [Handler] at a path that ends with a slash:
//
//	var stats admin.Stats
//	sessions, err := session.New(store, session.Config{Observer: stats.Observe})
//	…
//	mux.Handle("/admin/", admin.Handler(sessions, admin.Options{
//		Stats:     &stats,
//		Authorize: func(r *http.Request) (operator string, may admin.Rights) { … },
//	}))
//
// # Rights
//
// Nobody has a right unless Options.Authorize gives it. The zero [Rights] is answered by
// 403. Rights.View shows everything but values. Each act needs a right of its own, is
// confirmed on a page of its own, and is reported to Options.Audit with the operator's
// name before it is carried out. If Audit returns an error, the act is not carried out.
//
// Requests of other sites' pages are refused by http.CrossOriginProtection. The pages
// forbid scripts, frames and caches by their headers.
//
// # What it shows
//
// Sessions are named by their public IDs, which open no session. Tokens and signing keys
// are never shown. The values of a session are the visitor's data: they are hidden until an
// operator with Rights.Values asks for them, which Audit is told.
//
// The figures of the last hour are those of this process: of n instances behind a load
// balancer, each shows its own. For all instances together use the metrics of
// adapters/otelholdfast. The number of stored sessions is exact up to 1000, and an estimate
// above, which is marked as such.
//
// Listings read the store a page at a time, however many sessions there are. A listing
// belongs to the instance on which it began, and ends ten minutes after its last use. So a
// load balancer has to send an operator always to the same instance: another one answers
// that the listing has ended. The sessions of an owner or a label are found by every
// instance.
//
// The number and the listing are those of the whole store: of all Namespaces, and also of
// sessions that RevokeEverything has ended, until their records expire. The sessions of an
// owner or a label are those of the Manager's Namespace that are alive.
package admin
