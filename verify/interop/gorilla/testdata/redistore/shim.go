// Package redistore has what redistore's tests call, with the store replaced.
package redistore

import (
	"github.com/holdfast-go/holdfast/adapters/gorillaholdfast"
	"github.com/holdfast-go/holdfast/verify/interop/gorilla/borrowed/backend"
)

// RediStore has the methods of RediStore that are not those of a gorilla store.
type RediStore struct{ *gorillaholdfast.Store }

func NewRediStore(int, string, string, string, string, ...[]byte) (*RediStore, error) {
	return &RediStore{backend.Store()}, nil
}

func NewRediStoreWithDB(int, string, string, string, string, string, ...[]byte) (*RediStore, error) {
	return &RediStore{backend.Store()}, nil
}

func NewRediStoreWithURL(int, string, ...[]byte) (*RediStore, error) {
	return &RediStore{backend.Store()}, nil
}

func (s *RediStore) SetMaxLength(l int) { s.MaxLength(l) }

func (s *RediStore) Close() error { return nil }

// JSONSerializer is ignored: values are gob.
type JSONSerializer struct{}

func (s *RediStore) SetSerializer(JSONSerializer) {}

func (s *RediStore) ping() (bool, error) { return true, nil }
