package providertest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// listRules are the rules of provider.Lister.
var listRules = []rule{
	{
		"list",
		"List yields every record as Fetch returns it: with its Data, and in the version that it has now.",
		func(s *subject) {
			prefix, recs := s.family(20)
			recs[0].ExpiresAt = time.Time{}
			recs[1].Data = []byte("\x00\xff\r\n")
			recs[2].Data = nil
			recs[3].Format = ""
			for i, rec := range recs[:5] {
				old := rec.Version
				recs[i].Version = newVersion()
				s.save(recs[i], old)
			}
			s.lists(prefix, recs...)
		},
	},
	{
		"list-all",
		"List with an empty prefix yields every record.",
		func(s *subject) {
			first, second := s.stored(), s.stored()
			if got := s.listed(""); got[first.ID] == nil || got[second.ID] == nil {
				s.failf("List: of two records that are there, it has yielded not all")
			}
		},
	},
	{
		"list-none",
		"List yields nothing if no ID begins with the prefix.",
		func(s *subject) { s.lists(s.newID()) },
	},
	{
		"list-prefix",
		"List yields the records whose ID begins with the prefix, byte by byte, and no others.",
		func(s *subject) {
			base := s.newID()
			ends := append(texts(), "", "a", "ab", "A", "AB", "a*", "a*b", "a?", "a%", "a%b", "a_", "a_b", "axb", `a\`, `a\*`, `a\b`, "[", "[a", "a[b]", "a]", "a^", "a-z",
				"a b", "á", "a\u0301", "\ud7ff", "\ue000", "\U0010ffff\U0010ffffb", "日本", strings.Repeat("x", provider.MaxIDLength-len(base)))
			var recs []*provider.Record
			for _, end := range ends {
				rec := s.newRecord()
				rec.ID = s.ownID(base + end)
				s.save(rec, -1)
				recs = append(recs, rec)
			}
			for _, end := range ends {
				var want []*provider.Record
				for _, rec := range recs {
					if strings.HasPrefix(rec.ID, base+end) {
						want = append(want, rec)
					}
				}
				s.lists(base+end, want...)
			}
		},
	},
	{
		"list-deleted",
		"List does not yield a record that has been deleted.",
		func(s *subject) {
			prefix, recs := s.family(3)
			s.lists(prefix, recs...)
			s.delete(recs[1].ID)
			s.lists(prefix, recs[0], recs[2])
		},
	},
	{
		"list-expired",
		"List does not yield a record that has expired, even while the store still holds it.",
		func(s *subject) {
			prefix, recs := s.family(3)
			brief := recs[1].Clone()
			brief.Version = newVersion()
			brief.ExpiresAt = time.Now().Add(briefly)
			s.save(brief, recs[1].Version)
			s.eventually(brief.ExpiresAt, "List still yields it", func() bool {
				return s.listed(prefix)[brief.ID] == nil
			})
			s.lists(prefix, recs[0], recs[2])
		},
	},
	{
		"list-pages",
		"List yields every record, however many there are, also if the loop deletes each of them.",
		func(s *subject) {
			prefix, recs := s.family(many)
			s.lists(prefix, recs...)
			s.each(prefix, func(rec *provider.Record) { s.delete(rec.ID) })
			s.lists(prefix)
		},
	},
	{
		"list-within",
		"A loop over List may use the provider, for the record that it is given, too.",
		func(s *subject) {
			prefix, recs := s.family(5)
			s.each(prefix, func(rec *provider.Record) {
				s.holds(rec)
				s.lists(rec.ID, rec)
				s.save(rec, rec.Version)
				s.save(s.newRecord(), 0)
			})
			s.lists(prefix, recs...)
		},
	},
	{
		"list-changing",
		"List yields every record that exists during the whole iteration, even if it is replaced in the meantime, and others are created and deleted.",
		func(s *subject) {
			prefix := s.newID()
			stay, others := s.newFamily(prefix+"-b", 200), s.newFamily(prefix+"-a", 20)
			s.saveAll(stay)
			ctx, stop := context.WithCancel(s.ctx)
			changing := make(chan error, 1)
			go func() { changing <- change(ctx, s.Provider, stay, others) }()
			for range 20 {
				got := s.listed(prefix)
				for _, rec := range stay {
					if got[rec.ID] == nil {
						s.failf("List has left out a record that was there all the time")
					}
				}
			}
			stop()
			if err := <-changing; err != nil {
				s.failf("%w", err)
			}
		},
	},
	{
		"list-break",
		"A loop over List may end early, any number of times. It releases all resources.",
		func(s *subject) {
			prefix, recs := s.family(10)
			for range 100 {
				for range provider.List(s.ctx, s.Provider, prefix) {
					break
				}
			}
			s.lists(prefix, recs...)
			s.holds(s.stored())
		},
	},
	{
		"list-again",
		"A List begins when it is ranged over, and begins again each time.",
		func(s *subject) {
			prefix := s.newID()
			list := provider.List(s.ctx, s.Provider, prefix)
			for n := range 3 {
				s.saveAll(s.newFamily(fmt.Sprintf("%s-%d", prefix, n), 1))
				got := 0
				for range list {
					got++
				}
				if got <= n {
					s.failf("List, ranged over for the %d. time: got %d records, want %d", n+1, got, n+1)
				}
			}
		},
	},
	{
		"list-owned",
		"The caller may modify a record from List: that changes neither the stored record nor any other record.",
		func(s *subject) {
			prefix, recs := s.family(10)
			kept := s.listed(prefix)
			s.each(prefix, scribble)
			s.lists(prefix, recs...)
			for _, rec := range recs {
				s.holds(rec)
				if got := kept[rec.ID]; got != nil && difference(got, rec) != "" {
					s.failf("after another's change, a record from List is of %s", difference(got, rec))
				}
			}
		},
	},
	{
		"list-invalid-prefix",
		"List refuses a prefix that is too long, not UTF-8 or has a NUL, with ErrInvalidRecord.",
		func(s *subject) {
			own := s.stored().ID
			for _, prefix := range []string{
				own + strings.Repeat("x", provider.MaxIDLength+1-len(own)),
				own + "\x00", "\x00", own + "\xff", own + "é"[:1], "\xed\xa0\x80" + own,
			} {
				_, err := s.list(s.ctx, prefix)
				s.refuses(fmt.Sprintf("List of prefix %q", prefix), err)
			}
		},
	},
	{
		"list-context-cancelled",
		"With a context that was cancelled, List yields an error that wraps context.Canceled.",
		func(s *subject) {
			ctx, cancel := context.WithCancelCause(s.ctx)
			cancel(errors.New("a cause, which is not the context's error"))
			s.listEnds(ctx, context.Canceled)
		},
	},
	{
		"list-context-expired",
		"With a context that has run out of time, List yields an error that wraps context.DeadlineExceeded.",
		func(s *subject) {
			ctx, cancel := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
			defer cancel()
			s.listEnds(ctx, context.DeadlineExceeded)
		},
	},
	{
		"list-context-cancelled-meanwhile",
		"When the context is cancelled during the iteration, the next step yields an error that wraps context.Canceled, and the iteration ends.",
		func(s *subject) {
			prefix, _ := s.family(10)
			ctx, cancel := context.WithCancel(s.ctx)
			defer cancel()
			got := 0
			err := iterate(provider.List(ctx, s.Provider, prefix), func(*provider.Record) { got++; cancel() })
			if got != 1 || !errors.Is(err, context.Canceled) {
				s.failf("List, cancelled at the first record: got %d of them and error %v, want no other and %v", got, err, context.Canceled)
			}
		},
	},
	{
		"list-errors-discreet",
		"No error of List contains an ID or the prefix, which is a part of an ID.",
		func(s *subject) {
			rec := s.stored()
			_, err := s.list(s.ctx, rec.ID+"\x00")
			s.discreet(rec, "listing an invalid prefix", err)
			ctx, cancel := context.WithCancel(s.ctx)
			cancel()
			_, err = s.list(ctx, rec.ID)
			s.discreet(rec, "listing with a cancelled context", err)
		},
	},
}

// many is more than a page: more than a thousand and, with that much Data, more than the
// 1 MB of DynamoDB.
const (
	many     = 1100
	manySize = 1000
)

// newFamily returns n records, not stored, whose IDs begin with prefix.
func (s *subject) newFamily(prefix string, n int) []*provider.Record {
	recs := make([]*provider.Record, n)
	for i := range recs {
		recs[i] = s.newRecord()
		recs[i].ID = s.ownID(fmt.Sprintf("%s-%d", prefix, i))
		recs[i].Data = newData(manySize)
	}
	return recs
}

// family returns n records that are stored, and the prefix that only their IDs have.
func (s *subject) family(n int) (prefix string, recs []*provider.Record) {
	prefix = s.newID()
	recs = s.newFamily(prefix, n)
	s.saveAll(recs)
	return prefix, recs
}

// saveAll wants records to be created, several in parallel.
func (s *subject) saveAll(recs []*provider.Record) {
	for _, err := range parallel(min(racers, len(recs)), func(i int) error {
		own := &subject{Provider: s.Provider, ctx: s.ctx}
		for ; i < len(recs); i += racers {
			own.save(recs[i], 0)
		}
		return own.err
	}) {
		if err != nil {
			s.failf("%w", err)
		}
	}
}

// iterate ranges over a List to its end, and returns the error that it has yielded, or an
// error if it breaks the rules of a List.
func iterate(list iter.Seq2[*provider.Record, error], do func(*provider.Record)) (err error) {
	for rec, listErr := range list {
		switch {
		case err != nil:
			return fmt.Errorf("after error %q, List goes on", err)
		case listErr != nil && rec == nil:
			err = listErr
		case listErr != nil || rec == nil:
			return fmt.Errorf("got %s and error %v from List, want one of both", describe(rec), listErr)
		default:
			do(rec)
		}
	}
	return err
}

// list returns the records that List yields, by ID.
func (s *subject) list(ctx context.Context, prefix string) (map[string]*provider.Record, error) {
	recs := make(map[string]*provider.Record)
	err := iterate(provider.List(ctx, s.Provider, prefix), func(rec *provider.Record) { recs[rec.ID] = rec })
	return recs, err
}

// each wants a List to succeed, and calls do with each record.
func (s *subject) each(prefix string, do func(*provider.Record)) {
	if s.err != nil {
		return
	}
	if err := iterate(provider.List(s.ctx, s.Provider, prefix), do); err != nil {
		s.failf("List: got error %q, want none", err)
	}
}

// listed wants a List to succeed, and returns the records that it yields, by ID.
func (s *subject) listed(prefix string) map[string]*provider.Record {
	recs := make(map[string]*provider.Record)
	s.each(prefix, func(rec *provider.Record) { recs[rec.ID] = rec })
	return recs
}

// lists wants a List to yield these records and no others.
func (s *subject) lists(prefix string, want ...*provider.Record) {
	got := s.listed(prefix)
	for _, rec := range want {
		switch found := got[rec.ID]; {
		case found == nil:
			s.failf("List of prefix %q: it has left out the record %q", prefix, rec.ID)
		case difference(found, rec) != "":
			s.failf("List of prefix %q: got a record of %s", prefix, difference(found, rec))
		}
		delete(got, rec.ID)
	}
	for id := range got {
		s.failf("List of prefix %q: got the record %q", prefix, id)
	}
}

// listEnds wants List to yield the error of ctx, which has ended, and nothing else.
func (s *subject) listEnds(ctx context.Context, want error) {
	prefix, _ := s.family(3)
	for _, prefix := range []string{prefix, s.newID()} { // of some, and of none
		if got, err := s.list(ctx, prefix); len(got) > 0 || !errors.Is(err, want) {
			s.failf("List: got %d records and error %v, want %v", len(got), err, want)
		}
	}
}

// change replaces the records in stay, and creates and deletes others, until ctx ends.
func change(ctx context.Context, p provider.Provider, stay, others []*provider.Record) error {
	s := &subject{Provider: p, ctx: context.WithoutCancel(ctx)}
	for ctx.Err() == nil && s.err == nil {
		for _, rec := range others {
			s.save(rec, -1)
			s.save(successor(stay[rand.IntN(len(stay))]), -1)
		}
		for _, rec := range others {
			s.delete(rec.ID)
			s.save(successor(stay[rand.IntN(len(stay))]), -1)
		}
	}
	return s.err
}
