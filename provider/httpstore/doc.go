// Package httpstore is a provider over HTTP: a client, and a server for any provider.
//
//	store, err := httpstore.New("https://sessions.internal", httpstore.Options{Token: token})
//	...
//	defer store.Close()
//	sessions, err := session.New(store, session.Config{})
//
// The protocol is HTTP's own: the version of a record is its entity tag, Save is a PUT
// with If-Match or If-None-Match, a conflict is an answer 412 with the current record.
// docs/httpstore.md describes it for implementations in other languages, and package
// httpstoretest checks them. The folder cloudflare has one for Cloudflare's Workers.
//
// # The server
//
// [Handler] serves a provider to those who have a token:
//
//	handler, err := httpstore.Handler(memory.New(), httpstore.HandlerOptions{Token: token})
//	...
//	server := &http.Server{
//		Addr:              "127.0.0.1:8090",
//		Handler:           handler,
//		ReadHeaderTimeout: 5 * time.Second,
//		ReadTimeout:       30 * time.Second,
//		WriteTimeout:      30 * time.Second,
//		IdleTimeout:       2 * time.Minute,
//		MaxHeaderBytes:    16 << 10,
//	}
//	log.Fatal(server.ListenAndServe())
//
// The timeouts free the place of a client that stops in the middle of a request; listings
// and streams of messages, which may take longer, are exempt. IdleTimeout must be longer than the 50 seconds after
// which a client closes an idle connection. The command holdfast does all of this:
//
//	HOLDFAST_TOKEN=… holdfast -store file:///var/lib/shop serve
//
// The token must be secret on its way, too: between machines use TLS (ListenAndServeTLS).
// With mutual TLS, or on a Unix socket that only the right users may open, no token is
// needed ([HandlerOptions].NoToken).
//
// The store behind the Handler removes expired records, or has to be purged there. Its
// clock counts for the expiry.
//
// # Costs
//
// Fetch, Save and Delete are one request each, also a Save that conflicts. A List is one
// request for 256 records or a megabyte of data. The server keeps a listing between two
// requests, 64 of them for five minutes, so that all requests of a List must reach the same
// process; if the server has forgotten it, the List begins again. On the loopback
// interface a request takes about a tenth of a millisecond longer than the store itself.
//
// # Messages between instances
//
// The provider is a [provider.Broadcaster] if the server and its store are. A message is a
// request. A Listen is a long answer, over a connection of its own that does not count for
// [Options].MaxConns; the server sends a sign every 5 seconds, and the client gives up one
// that is silent for 12. The server's ReadTimeout and WriteTimeout do not end it, and
// http.Server.Shutdown does not wait for it. All instances must use the same server, or
// servers over one store that can broadcast: with provider/memory behind it, a message
// stays in the server's process. A proxy must not collect the answer (nginx obeys a header
// of it) and must wait for more than 5 seconds between two pieces.
//
// A server without messages is no error: Broadcast and Listen return one that wraps
// errors.ErrUnsupported. Cloudflare's Worker has none.
//
// # Connections
//
// The client keeps connections open and uses HTTP/2 with https:// where the server has
// it. It takes nothing from the environment: no proxy, no cookies. It follows no
// redirects, so that the token is sent to no other address.
//
// A context ends a call at once; over HTTP/1.1 that costs the connection. The server
// learns how long the client waits (the header Holdfast-Timeout), and stops working for a
// client that has left.
//
// # Outcomes
//
// The errors of the server's store arrive as they are: provider.ErrFull is ErrFull, an
// ErrNotSaved is one, and a *provider.ConflictError has the current record. The text of
// the store's error is in that of the client's.
//
// If there was no connection for a Save, it was not saved ([provider.ErrNotSaved]). If
// the connection breaks after the request was sent, or a proxy reports an error, the Save
// may have been stored or not. Nothing sends a Save twice: net/http repeats a PUT only if
// it has written nothing of it. A proxy must not repeat requests either (nginx:
// proxy_next_upstream off), since a save that was given up might land after a later one.
//
// # What is not promised
//
// The client adds no durability: what the server's store loses is lost. With
// provider/memory behind it, a restart of the server signs everyone out. One server is one
// point of failure. Several ones may share a store that allows that, such as
// provider/postgres.
//
// IDs are in the paths of requests, in base64url, and so in the logs of proxies. They are
// hashes that cannot be used to take over a session. The server itself writes no log.
package httpstore
