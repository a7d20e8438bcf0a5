package providertest

import "math"

var saveRules = []rule{
	{
		"fetch-missing",
		"Fetch of a record that does not exist returns an error that wraps ErrNotFound.",
		func(s *subject) { s.lacks(s.newID()) },
	},
	{
		"create",
		"Save with expectVersion == 0 stores a record that does not exist.",
		func(s *subject) { s.holds(s.stored()) },
	},
	{
		"create-existing",
		"Save with expectVersion == 0 conflicts if the record exists, and leaves it as it is.",
		func(s *subject) {
			rec := s.stored()
			s.conflicts(successor(rec), 0)
			s.holds(rec)
		},
	},
	{
		"create-existing-unversioned",
		"Save with expectVersion == 0 conflicts also if the record that exists has version 0.",
		func(s *subject) {
			rec := s.newRecord()
			rec.Version = 0
			s.save(rec, -1)
			s.conflicts(successor(rec), 0)
			s.holds(rec)
		},
	},
	{
		"update",
		"Save with expectVersion > 0 replaces the record as a whole if it has that version.",
		func(s *subject) {
			rec := s.stored()
			next := successor(rec)
			next.ExpiresAt = rec.ExpiresAt.AddDate(0, 0, 1)
			next.Format = "providertest/2"
			s.save(next, rec.Version)
			s.holds(next)
		},
	},
	{
		"update-stale",
		"Save with expectVersion > 0 conflicts if the record has another version, higher or lower, and leaves it as it is.",
		func(s *subject) {
			for _, expectVersion := range []int64{1000, 1002, 1, math.MaxInt64} {
				rec := s.newRecord()
				rec.Version = 1001
				s.save(rec, 0)
				next := successor(rec)
				next.Version = 2002
				s.conflicts(next, expectVersion)
				s.holds(rec)
			}
		},
	},
	{
		"update-missing",
		"Save with expectVersion > 0 conflicts if the record does not exist, and does not create it.",
		func(s *subject) {
			rec := s.newRecord()
			s.conflicts(rec, rec.Version+1)
			s.lacks(rec.ID)
		},
	},
	{
		"update-any-order",
		"Versions are equal or not: that of an update may be any other, lower ones too.",
		func(s *subject) {
			rec := s.newRecord()
			rec.Version = 1000
			s.save(rec, 0)
			for _, version := range []int64{999, 1, 5000, 10, 9} {
				next := successor(rec)
				next.Version = version
				s.save(next, rec.Version)
				s.holds(next)
				rec = next
			}
		},
	},
	{
		"update-same-version",
		"A Save whose Version is also what it expects replaces the record.",
		func(s *subject) {
			rec := s.stored()
			next := successor(rec)
			next.Version = rec.Version
			s.save(next, rec.Version)
			s.holds(next)
		},
	},
	{
		"unchecked",
		"Save with expectVersion < 0 creates or replaces the record, whatever its version.",
		func(s *subject) {
			rec := s.newRecord()
			for _, expectVersion := range []int64{-1, -2, math.MinInt64} {
				s.save(rec, expectVersion)
				s.holds(rec)
				rec = successor(rec)
			}
		},
	},
	{
		"unchecked-version",
		"Save with expectVersion < 0 stores Version as given, positive or not.",
		func(s *subject) {
			rec := s.newRecord()
			for _, version := range []int64{0, -1, math.MinInt64, 7} {
				rec = successor(rec)
				rec.Version = version
				s.save(rec, -1)
				s.holds(rec)
			}
		},
	},
	{
		"delete",
		"Delete removes the record. It can be created again, but no longer be updated.",
		func(s *subject) {
			rec := s.stored()
			s.delete(rec.ID)
			s.lacks(rec.ID)
			next := successor(rec)
			s.conflicts(next, rec.Version)
			s.save(next, 0)
			s.holds(next)
		},
	},
	{
		"delete-missing",
		"Delete of a record that does not exist is not an error.",
		func(s *subject) {
			id := s.newID()
			s.delete(id)
			s.delete(id)
		},
	},
	{
		"version-64-bits",
		"Versions are exact in all of their 64 bits.",
		func(s *subject) {
			rec := s.newRecord()
			expectVersion := int64(0)
			for _, version := range []int64{1<<53 + 1, 1<<62 + 1, math.MaxInt64} {
				rec.Version = version
				s.save(rec, expectVersion)
				s.holds(rec)
				other := rec.Clone()
				other.Version = newVersion()
				s.conflicts(other, version-1) // which is the same to a float64
				s.holds(rec)
				expectVersion = version
			}
		},
	},
}

// These are the rules of a Save that is repeated because its first answer was lost.
var retryRules = []rule{
	{
		"retry-create",
		"A Save with expectVersion == 0 succeeds if the stored record has its own version: an earlier attempt has stored it.",
		func(s *subject) {
			rec := s.stored()
			s.save(rec, 0)
			s.holds(rec)
		},
	},
	{
		"retry-update",
		"A Save with expectVersion > 0 succeeds if the stored record has its own version: an earlier attempt has stored it.",
		func(s *subject) {
			rec := s.stored()
			next := successor(rec)
			s.save(next, rec.Version)
			s.save(next, rec.Version)
			s.holds(next)
		},
	},
	{
		"retry-overtaken",
		"A repeated Save conflicts if the record has been replaced since its first attempt.",
		func(s *subject) {
			first := s.stored()
			second := successor(first)
			s.save(second, first.Version)
			third := successor(second)
			s.save(third, second.Version)
			s.conflicts(first, 0)
			s.conflicts(second, first.Version)
			s.holds(third)
		},
	},
	{
		"retry-64-bits",
		"Save takes the stored record for its own only if all 64 bits of the version are equal.",
		func(s *subject) {
			rec := s.newRecord()
			rec.Version = math.MaxInt64
			s.save(rec, 0)
			next := successor(rec)
			next.Version = math.MaxInt64 - 1
			s.conflicts(next, 0)
			s.conflicts(next, 7)
			s.holds(rec)
		},
	},
}
