// Package sim runs random programs of whole sessions against a serial model.
//
// A program is drawn from a seed: a few clients, each sending requests whose
// handlers get, set, pop, update, list, renew, log out, revoke and save, through a
// store that loses answers, drops writes, applies them late, or dies under the
// client. It runs in a bubble of fake time, where every wait ends at an instant
// of its own, so that a seed gives the same run each time. What the clients saw,
// and what each cookie ever handed out opens in the end, must then be explained
// by some serial order of the requests. The model knows the contract, and
// nothing of package session's code.
//
// In a third of the programs the instances have copies (session.ReadCache), and the clients
// take turns at them. A GET may then have read its session before it began, by MaxStale at
// most, but not before what its browser has seen.
//
// In a quarter of the programs without copies cookies are rotated
// (session.Config.RotateInterval), but none comes back so late that it is taken for a stolen
// one. Package browsers has the thefts, and rotation with copies.
//
// In a quarter of the programs sessions have a label, and an administrator lists the sessions
// of a label and ends them (SessionsBy, RevokeBy). In some of those without copies and
// rotation an administrator ends all sessions (RevokeEverything), and handlers wait until
// that is over. Neither RevokeBy nor SessionsBy is one step of the serial order: what each
// may do and see until it returns, the model describes session by session.
//
// The tests here run on provider/memory. Those of itest/model run on each store's
// real server, with programs that rapid draws and makes small.
//
//	program, draw      what is played, and how it is drawn
//	run, store, recorder    a run of it: clients, the faulty store, the handler
//	system, reference       what is tested: package session, or a small stand-in
//	history            what was seen
//	script             which of what was seen must be true of the state committed on
//	model, play, oracle    the serial session, and the search for an order
//	administrator, draw_administrator    what administrators do
//	labels, epochs     what RevokeBy, SessionsBy and RevokeEverything may do in the model
//	copies             what copies (Config.ReadCache) let a request see
//	rules              what needs no search: sticky errors, replays, refusals
//	refresh, tokens    calls of Key.Refresh, and the token server that they need
//	proof              histories that the oracle must accept, or reject
//	shrink             the smallest program that still fails
//
// To run more programs, or one again:
//
//	go test ./verify/sim -run Programs -programs 100000
//	go test ./verify/sim -run Programs -programs 1 -seed 4711 -v
package sim
