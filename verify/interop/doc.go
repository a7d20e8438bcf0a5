// Package interop has no code: its tests run Holdfast under the routers and
// websocket libraries that people use, and beside the session library that most
// of them use now. It is a module of its own so that none of those are in the
// go.mod of Holdfast's users.
package interop
