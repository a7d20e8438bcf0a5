// Package scs has no code: its tests run scs's own tests over adapters/scsholdfast, import
// sessions from scs's stores, and move an app from scs. It is a module of its own so that
// scs and its stores are not in the go.mod of scsholdfast's users.
package scs
