package capacity

import (
	"slices"
	"time"
)

// size is the room of a record by the bytes of its data: a straight line through what was
// measured.
type size struct{ overhead, factor float64 }

func (s size) of(data int64) float64 {
	if s == (size{}) {
		return 0
	}
	return s.overhead + s.factor*float64(data)
}

// call is a call of a store.
type call struct {
	time time.Duration // of one call after the other, over loopback
	cpu  time.Duration // of the server
}

// wire is the traffic of a call, in bytes.
type wire struct{ overhead, factor float64 }

// store is what was measured of a store, and how it is operated.
type store struct {
	kind     string
	inMemory bool  // the sessions are in memory, and the disk is for a restart
	remote   bool  // it is another process
	replicas int   // that are usual, besides the first copy
	largest  int64 // data that a record may have, in bytes

	memory, disk size          // of a record
	journal      float64       // bytes on the disk, however many records there are
	versions     time.Duration // how long replaced versions stay on the disk
	rewritten    float64       // the part of the disk that is taken again for what was replaced
	late         time.Duration // how long an expired record stays, at most, unless a purge takes longer
	purge        time.Duration // for each record of the store

	fetch, save call
	wire        wire
	limits      []limit
	beyond      string // what to do when the first limit is reached
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// Stores returns the names of the stores: the schemes of their URLs, as far as they have one.
func Stores() []string {
	var kinds []string
	for _, s := range stores {
		kinds = append(kinds, s.kind)
	}
	return kinds
}

func storeOf(kind string) *store {
	if i := slices.IndexFunc(stores, func(s store) bool { return s.kind == kind }); i >= 0 {
		return &stores[i]
	}
	return nil
}

// RoomOf returns the bytes that a record with so many bytes of data takes in a store of
// Stores: of memory, if the store is in memory, and otherwise of the disk.
func RoomOf(kind string, data int64) float64 {
	s := storeOf(kind)
	if s.inMemory {
		return s.memory.of(data)
	}
	return s.disk.of(data)
}
