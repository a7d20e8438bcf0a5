// Package browsers simulates browsers whose sessions are rotated (session.Config.RotateInterval),
// and thieves who copy their cookies.
//
// Each browser lives for days in a bubble of fake time. It has one jar of cookies, in memory
// and on its disk. Its tabs send requests in parallel, to two instances on one store. Requests
// and answers are under way for as long as RotateGrace and the protocol allow, handlers take
// up to many minutes, answers are lost, and the store fails now and then. The browser is
// closed, or it crashes and comes back with the jar that was on its disk, and sends the
// requests of its restored tabs at once.
//
// A browser without a thief must never be signed out. If a thief copies the jar at some
// moment, and both go on, the session must end, and Config.Observer must tell why.
//
//	jar        the cookies of a browser
//	server     two instances of an application, and their store
//	visitor    what a browser or a thief does with its jar
//	network    how long requests and answers are under way, and which are lost
//	life       a life of a browser, from its login to its last visit
//	theft      what follows when a thief has copied the jar
//
// To simulate more browsers, or one again:
//
//	go test ./verify/sim/browsers -browsers 100000
//	go test ./verify/sim/browsers -run Honest -browsers 1 -seed 4711 -v
package browsers
