// Package storetest helps to test stores. Store gives tests control over the storage: it is
// a provider.Provider around another one that counts the calls and has a hook for each, to
// delay, drop, duplicate or fail it.
package storetest

import (
	"context"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/provider"
)

// Store wraps Provider. A nil hook passes the call on. A hook decides whether, when and
// how often the call reaches the wrapped provider, and which result the caller gets. Set
// the hooks before the Store is used.
type Store struct {
	provider.Provider

	OnFetch  func(ctx context.Context, id string, next FetchFunc) (*provider.Record, error)
	OnSave   func(ctx context.Context, rec *provider.Record, expectVersion int64, next SaveFunc) error
	OnDelete func(ctx context.Context, id string, next DeleteFunc) error

	OnBroadcast func(ctx context.Context, message []byte, next BroadcastFunc) error
	OnListen    func(ctx context.Context, ready func(), heard func([]byte), next ListenFunc) error

	Fetches, Saves, Deletes, Broadcasts, Listens atomic.Int64 // calls so far
}

// These are the wrapped provider's methods, as a hook calls them.
type (
	FetchFunc  func(ctx context.Context, id string) (*provider.Record, error)
	SaveFunc   func(ctx context.Context, rec *provider.Record, expectVersion int64) error
	DeleteFunc func(ctx context.Context, id string) error

	BroadcastFunc func(ctx context.Context, message []byte) error
	ListenFunc    func(ctx context.Context, ready func(), heard func([]byte)) error
)

// Trips returns the number of calls of Fetch, Save and Delete so far.
func (s *Store) Trips() int64 { return s.Fetches.Load() + s.Saves.Load() + s.Deletes.Load() }

// Fetch implements provider.Provider.
func (s *Store) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	s.Fetches.Add(1)
	if s.OnFetch != nil {
		return s.OnFetch(ctx, id, s.Provider.Fetch)
	}
	return s.Provider.Fetch(ctx, id)
}

// Save implements provider.Provider.
func (s *Store) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	s.Saves.Add(1)
	if s.OnSave != nil {
		return s.OnSave(ctx, rec, expectVersion, s.Provider.Save)
	}
	return s.Provider.Save(ctx, rec, expectVersion)
}

// Delete implements provider.Provider.
func (s *Store) Delete(ctx context.Context, id string) error {
	s.Deletes.Add(1)
	if s.OnDelete != nil {
		return s.OnDelete(ctx, id, s.Provider.Delete)
	}
	return s.Provider.Delete(ctx, id)
}

// Broadcast implements provider.Broadcaster.
func (s *Store) Broadcast(ctx context.Context, message []byte) error {
	s.Broadcasts.Add(1)
	if s.OnBroadcast != nil {
		return s.OnBroadcast(ctx, message, s.broadcast)
	}
	return s.broadcast(ctx, message)
}

func (s *Store) broadcast(ctx context.Context, message []byte) error {
	return provider.Broadcast(ctx, s.Provider, message)
}

// Listen implements provider.Broadcaster.
func (s *Store) Listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	s.Listens.Add(1)
	if s.OnListen != nil {
		return s.OnListen(ctx, ready, heard, s.listen)
	}
	return s.listen(ctx, ready, heard)
}

func (s *Store) listen(ctx context.Context, ready func(), heard func(message []byte)) error {
	return provider.Listen(ctx, s.Provider, ready, heard)
}
