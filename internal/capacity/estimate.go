package capacity

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Estimate is what a load takes of a store.
type Estimate struct {
	Store   string  `json:"store"`
	Load    Load    `json:"load"`
	Records Records `json:"records"`
	Rates   Rates   `json:"rates"`

	BytesOfSession float64 `json:"bytesOfSession"` // of one copy, with its share of all else
	Memory         float64 `json:"memory"`         // bytes of one copy; 0: that of a database, which chooses what it caches
	Disk           float64 `json:"disk"`           // bytes of one copy
	Table          float64 `json:"table"`          // bytes of Disk without logs, journals and what was replaced
	Purge          float64 `json:"purge"`          // seconds that a purge takes; 0: the store needs none, or it was not measured
	Copies         int     `json:"copies"`
	Masters        float64 `json:"masters,omitempty"` // of Redis Cluster

	Network     float64 `json:"network"`     // bytes a second between the program and the store
	Connections float64 `json:"connections"` // in use at a time, as a mean
	Cores       float64 `json:"cores"`       // busy, of one copy; 0: not measured

	Units  *Units  `json:"units,omitempty"`
	Money  *Money  `json:"money,omitempty"`
	Limits []Limit `json:"limits"` // beginning with the one that is reached first
	Beyond string  `json:"beyond"` // what to do at that limit
}

// RoundTrip is assumed between the program and the store, in addition to the time that calls
// take over loopback.
const RoundTrip = 500 * time.Microsecond

// Of returns the estimate for a store of Stores. A negative number of Replicas is replaced by
// what is usual.
func Of(kind string, l Load) (*Estimate, error) {
	s := storeOf(kind)
	switch {
	case s == nil:
		return nil, fmt.Errorf("capacity: the store is not one of %s", strings.Join(Stores(), ", "))
	case l.Bytes > s.largest:
		return nil, fmt.Errorf("capacity: a session of %d bytes is too large for this store, which takes %d bytes of data; choose another store, or keep less in the session", l.Bytes, s.largest)
	}
	if l.Replicas < 0 {
		l.Replicas = s.replicas
	}
	return of(s, l), nil
}

func of(s *store, l Load) *Estimate {
	e := &Estimate{Store: s.kind, Load: l, Rates: l.Rates(), Copies: 1 + l.Replicas, Beyond: s.beyond}
	e.store(s)
	e.call(s)
	if s.kind == "redis-cluster" {
		e.Masters = max(3, math.Ceil(e.Memory/redisMemory), math.Ceil(e.Cores))
	}
	switch s.kind {
	case "dynamodb":
		e.Units = dynamoUnits(l, e.Rates)
		e.Money = dynamoMoney(e)
	case "cloudflare":
		e.Money = cloudflareMoney(e)
	}
	e.Limits = e.limited(s)
	return e
}

// store estimates what is stored.
func (e *Estimate) store(s *store) {
	alive := e.Load.alive()
	purge := time.Duration(alive.Total() * float64(s.purge))
	e.Purge = purge.Seconds()
	ended := e.Load.ended(max(s.late, purge))
	e.Records = alive
	e.Records.Expired = ended.Total()
	all := func(of size) float64 { return alive.bytes(e.Load, of) + ended.bytes(e.Load, of) }
	e.Memory, e.Disk = all(s.memory), all(s.disk)
	room := e.Disk
	if s.inMemory {
		room = e.Memory
	}
	e.BytesOfSession = room / float64(max(1, e.Load.Sessions))
	e.Table = e.Disk
	e.Disk += e.Rates.Saves * s.versions.Seconds() * s.disk.of(e.Load.Bytes)
	e.Disk *= 1 + s.rewritten
	e.Disk += s.journal
}

// call estimates what the calls take.
func (e *Estimate) call(s *store) {
	r := e.Rates
	e.Cores = r.Fetches*s.fetch.cpu.Seconds() + r.Saves*s.save.cpu.Seconds()
	if s.remote {
		e.Connections = r.Fetches*(s.fetch.time+RoundTrip).Seconds() + r.Saves*(s.save.time+RoundTrip).Seconds()
		e.Network = (r.Fetches + r.Saves) * (s.wire.overhead + s.wire.factor*float64(e.Load.Bytes))
	}
}

// AtLimit returns the estimate of the largest load that this store takes, in the proportions
// of e's load: its first limit is the one that is reached.
func (e *Estimate) AtLimit() *Estimate { return e.times(e.most()) }

// StoresNeeded returns how many stores of this kind are needed to stay within every limit, if
// each of them has an equal part of the load.
func (e *Estimate) StoresNeeded() float64 { return max(1, math.Ceil(1/e.most())) }

// most returns how many times the load this store takes.
func (e *Estimate) most() float64 {
	within, beyond := 0.0, 1.0
	for e.times(beyond).Limits[0].Share <= 1 {
		within, beyond = beyond, beyond*2
	}
	for beyond-within > beyond*1e-6 {
		if half := (within + beyond) / 2; e.times(half).Limits[0].Share <= 1 {
			within = half
		} else {
			beyond = half
		}
	}
	return within
}

// times returns the estimate of so many times the load.
func (e *Estimate) times(factor float64) *Estimate {
	l := e.Load
	l.Sessions = int64(float64(l.Sessions) * factor)
	l.Requests *= factor
	return of(storeOf(e.Store), l)
}
