package measure_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// A batch has so many sessions that live, and a tenth of that in addition that have expired
// or are going to.
const (
	batchSessions = 1000
	batchExpiring = batchSessions / 10
	devices       = 2 // of an owner
	maxCookies    = 100_000
)

// A batch is the records that a program has made for its visitors: half of the sessions have
// an owner.
type batch struct {
	records   []*provider.Record
	expiring  []string // the IDs of the sessions that expire; their visitors send no request
	cookies   []string // of some of the others
	dataBytes int      // of all sessions
}

// A producer makes batches. Its visitors begin their sessions by the handler of a Manager
// whose store is in memory, from which the records are then taken: they are those that the
// Manager would have saved elsewhere.
type producer struct {
	store   *staging
	handler http.Handler
	expired bool // those that expire have done so already
	stride  int  // one of so many cookies is kept
}

// staging is a store that is replaced by an empty one.
type staging struct{ *memory.Provider }

func newProducer(t *testing.T, sessions int, expired bool) *producer {
	store := &staging{memory.New()}
	return &producer{store, pages(newManager(t, store)), expired, max(1, sessions/maxCookies)}
}

// batch returns the batch of that number.
func (p *producer) batch(number int) (b batch, err error) {
	p.store.Provider = memory.New()
	expiring := map[string]bool{}
	for i := range batchSessions + batchExpiring {
		var owner string
		if i < batchSessions/2 {
			owner = ownerName((number*batchSessions/2 + i) / devices)
		}
		a := ask(p.handler, "/begin", "", owner)
		switch {
		case a.status != http.StatusOK:
			return b, fmt.Errorf("a session was not begun: status %d", a.status)
		case i >= batchSessions:
			expiring[a.body] = true
			b.expiring = append(b.expiring, a.body)
		case i%p.stride == 0:
			b.cookies = append(b.cookies, a.cookie)
		}
	}
	for rec, err := range p.store.List(context.Background(), "") {
		if err != nil {
			return b, err
		}
		b.records = append(b.records, rec)
		if expiring[rec.ID] {
			b.dataBytes += len(rec.Data)
			if p.expired {
				rec.ExpiresAt = time.Now().Add(-time.Minute)
			}
		}
	}
	return b, nil
}

// ownerName returns the ID of a user. There is one for each 4 sessions that live.
func ownerName(number int) string { return fmt.Sprintf("user-%d", number) }

func owners(sessions int) int { return sessions / 2 / devices }
