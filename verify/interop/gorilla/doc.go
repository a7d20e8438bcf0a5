// Package gorilla has no code: its tests run the tests of gorilla/sessions and of the
// libraries around it over adapters/gorillaholdfast, on every store; move sessions over
// from the stores that apps of gorilla have; and move an app. It is a module of its own so
// that none of those libraries are in the go.mod of the adapter's users.
package gorilla
