package providertest

import (
	"errors"
	"math"

	"github.com/holdfast-go/holdfast/provider"
)

// memoryRules are about the ownership of arguments and results.
var memoryRules = []rule{
	{
		"save-keeps-nothing",
		"Save keeps no reference to the record or its Data.",
		func(s *subject) {
			rec := s.newRecord()
			given := rec.Clone()
			s.save(given, 0)
			scribble(given)
			s.holds(rec)

			next := successor(rec)
			given = next.Clone()
			s.save(given, rec.Version)
			scribble(given)
			s.holds(next)
		},
	},
	{
		"save-changes-nothing",
		"Save changes neither the record it is given nor the bytes behind its Data.",
		func(s *subject) {
			rec := s.stored()
			next := successor(rec)
			next.ExpiresAt = next.ExpiresAt.In(zones()[1])
			spare := append(next.Data, "spare"...)
			given := next.Clone()
			given.Data = spare[:len(next.Data)]
			for _, expectVersion := range []int64{0, rec.Version, rec.Version, -1} {
				_ = s.Save(s.ctx, given, expectVersion)
				if diff := difference(given, next); diff != "" {
					s.failf("after Save the record given is of %s", diff)
				}
				if given.ExpiresAt != next.ExpiresAt {
					s.failf("after Save the ExpiresAt given is %v, want %v", given.ExpiresAt, next.ExpiresAt)
				}
				if string(spare[len(next.Data):]) != "spare" {
					s.failf("after Save the bytes behind Data are %q", spare[len(next.Data):])
				}
			}
		},
	},
	{
		"fetch-owned",
		"The caller may modify the record from Fetch: that changes neither the stored record nor any other record from Fetch.",
		func(s *subject) {
			rec := s.stored()
			kept := s.fetch(rec.ID)
			scribble(s.fetch(rec.ID))
			s.holds(rec)
			if diff := difference(kept, rec); diff != "" {
				s.failf("after another's change, a record from Fetch is of %s", diff)
			}
		},
	},
	{
		"conflict-current",
		"A ConflictError contains the stored record, or nil if there is none.",
		func(s *subject) {
			rec := s.stored()
			s.brings(s.conflicts(successor(rec), 0), rec)
			s.brings(s.conflicts(successor(rec), rec.Version+1), rec)
			next := successor(rec)
			s.save(next, rec.Version)
			s.brings(s.conflicts(successor(next), rec.Version), next)
			s.delete(rec.ID)
			s.brings(s.conflicts(successor(next), next.Version), nil)
		},
	},
	{
		"conflict-owned",
		"The caller may modify the record in a ConflictError: that does not change the stored record.",
		func(s *subject) {
			rec := s.stored()
			if conflict, ok := errors.AsType[*provider.ConflictError](s.conflicts(successor(rec), 0)); ok && conflict.Current != nil {
				scribble(conflict.Current)
			}
			s.holds(rec)
		},
	},
}

// scribble changes all of rec in place.
func scribble(rec *provider.Record) {
	for i := range rec.Data {
		rec.Data[i] ^= 0xff
	}
	*rec = provider.Record{ID: "changed", Version: math.MaxInt64, Format: "changed", Data: append(rec.Data, "changed"...)}
}
