// Package fleet simulates a large installation: many instances of an application with one
// database.
//
// The instances are Managers of package session, each with connections of its own. The
// database is a model: calls take times that were measured, so many at once, and wait in a
// queue. All runs in a bubble of fake time, on one processor, and every wait ends at an instant
// of its own, so that a seed gives the same run each time.
//
//	clock         waits that end at different instants
//	latency       the times of calls
//	database      the queue, outages
//	journal       writes that a failover loses
//	pool          the connections of an instance
//	installation  the instances and their handler
//	users         what users do, and what they see
//	events        deploys, failovers, storms of logins
//	scenes        when these happen, and what must hold
//	check         what must hold afterwards
//	tally, report what was counted, and the tables of it
//
// The tests simulate 20 instances, and 200 for the reads of the key ring. To simulate 200 instances and a million users, which takes
// four minutes and 4 GB of memory, and to write the tables of docs/fleet.md:
//
//	go test ./verify/sim/fleet -timeout 1h -large -update
package fleet
