package providertest

import (
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

var expiryRules = []rule{
	{
		"expired-fetch",
		"Fetch does not find a record that has expired, even while the store still holds it.",
		func(s *subject) {
			rec := s.brief()
			s.save(rec, 0)
			s.eventually(rec.ExpiresAt, "Fetch still finds it", func() bool {
				_, err := s.Fetch(s.ctx, rec.ID)
				return s.either(err, provider.ErrNotFound)
			})
		},
	},
	{
		"expired-update",
		"Save with expectVersion > 0 conflicts if the record has expired, with no current record, even if the version is its own.",
		func(s *subject) {
			rec := s.brief()
			s.save(rec, 0)
			var conflict error
			s.eventually(rec.ExpiresAt, "an update still finds it", func() bool {
				next := successor(rec)
				conflict = s.Save(s.ctx, next, rec.Version)
				if conflict == nil {
					rec = next
				}
				return s.either(conflict, provider.ErrVersionConflict)
			})
			s.brings(conflict, nil)
			s.conflicts(rec, rec.Version+1)
		},
	},
	{
		"expired-create",
		"Save with expectVersion == 0 stores a record over one that has expired.",
		func(s *subject) {
			rec := s.brief()
			s.save(rec, 0)
			next := successor(rec)
			next.ExpiresAt = time.Now().Add(time.Hour).Truncate(time.Second)
			s.eventually(rec.ExpiresAt, "creating another conflicts with it", func() bool {
				err := s.Save(s.ctx, next, 0)
				return !s.either(err, provider.ErrVersionConflict)
			})
			s.holds(next)
		},
	},
	{
		"expired-before-create",
		"The Save of a new record that has already expired succeeds, and the record is absent afterwards.",
		func(s *subject) {
			for _, at := range past() {
				for _, expectVersion := range []int64{0, -1} {
					rec := s.newRecord()
					rec.ExpiresAt = at
					s.save(rec, expectVersion)
					s.lacks(rec.ID)
				}
			}
		},
	},
	{
		"expired-before-update",
		"After an update with a record that has already expired, the record is absent.",
		func(s *subject) {
			for _, at := range past() {
				for _, checked := range []bool{true, false} {
					rec := s.stored()
					next := successor(rec)
					next.ExpiresAt = at
					expectVersion := int64(-1)
					if checked {
						expectVersion = rec.Version
					}
					s.save(next, expectVersion)
					s.lacks(rec.ID)
				}
			}
		},
	},
	{
		"expired-before-conflict",
		"Save checks the version also if the new record has already expired.",
		func(s *subject) {
			rec := s.stored()
			next := successor(rec)
			next.ExpiresAt = time.Now().Add(-time.Hour)
			s.conflicts(next, 0)
			s.conflicts(next, rec.Version+1)
			s.holds(rec)
		},
	},
	{
		"expiry-never",
		"A record with the zero ExpiresAt, in any time zone, does not expire. Fetch returns the zero ExpiresAt.",
		func(s *subject) {
			for _, zone := range zones() {
				rec := s.newRecord()
				rec.ExpiresAt = time.Time{}.In(zone)
				s.save(rec, 0)
				s.holds(rec)
				next := successor(rec)
				s.save(next, rec.Version)
				s.holds(next)
			}
		},
	},
	{
		"expiry-extended",
		"An update replaces an earlier ExpiresAt by its own.",
		func(s *subject) {
			for _, until := range []time.Time{{}, time.Now().Add(time.Hour).Truncate(time.Second)} {
				old, rec := s.extended(until)
				for s.err == nil && time.Now().Before(old.Add(50*time.Millisecond)) {
					s.pause(5 * time.Millisecond)
				}
				s.holds(rec)
			}
		},
	},
	{
		"expiry-shortened",
		"An update replaces a later ExpiresAt, or none, by its own.",
		func(s *subject) {
			for _, until := range []time.Time{{}, time.Now().Add(time.Hour)} {
				rec := s.newRecord()
				rec.ExpiresAt = until
				s.save(rec, 0)
				next := successor(rec)
				next.ExpiresAt = time.Now().Add(briefly)
				s.save(next, rec.Version)
				s.eventually(next.ExpiresAt, "Fetch still finds it", func() bool {
					_, err := s.Fetch(s.ctx, rec.ID)
					return s.either(err, provider.ErrNotFound)
				})
			}
		},
	},
	{
		"expiry-millisecond",
		"Fetch returns ExpiresAt to the millisecond, rounded down, whatever its time zone.",
		func(s *subject) {
			inAnHour := time.Now().Add(time.Hour).Truncate(time.Second)
			for _, zone := range zones() {
				for _, fraction := range []time.Duration{0, 1, 1e6 - 1, 1e6, 123_456_789, 999_999_999} {
					rec := s.newRecord()
					rec.ExpiresAt = inAnHour.Add(fraction).In(zone)
					s.save(rec, 0)
					s.holds(rec)
				}
			}
		},
	},
	{
		"expiry-far",
		"ExpiresAt may be as late as the last second of the year 9999 (UTC), in any time zone.",
		func(s *subject) {
			for _, year := range []int{2038, 2106, 2262, 2500, 9999} { // where clocks of 32 and 64 bits end, and after
				for _, zone := range zones() {
					rec := s.newRecord()
					rec.ExpiresAt = time.Date(year, time.December, 31, 23, 59, 59, 0, time.UTC).In(zone)
					s.save(rec, 0)
					s.holds(rec)
				}
			}
		},
	},
}

// briefly is the lifetime of a record that is to expire.
const briefly = 50 * time.Millisecond

// brief returns a record that is not stored and will soon have expired.
func (s *subject) brief() *provider.Record {
	rec := s.newRecord()
	rec.ExpiresAt = time.Now().Add(briefly)
	return rec
}

// either reports whether a call ended with the error want. Any other error breaks the
// rule.
func (s *subject) either(err, want error) bool {
	if errors.Is(err, want) {
		return true
	}
	if err != nil {
		s.failf("got error %q, want none or %q", err, want)
	}
	return false
}

// extended returns a record whose expiry was moved to until, and when it would have
// expired. If the store is too slow for that, it tries longer times.
func (s *subject) extended(until time.Time) (old time.Time, rec *provider.Record) {
	for life := briefly; life < time.Minute; life *= 10 {
		rec = s.newRecord()
		rec.ExpiresAt = time.Now().Add(life)
		s.save(rec, 0)
		old = rec.ExpiresAt
		next := successor(rec)
		next.ExpiresAt = until
		err := s.Save(s.ctx, next, rec.Version)
		if s.err != nil || !s.either(err, provider.ErrVersionConflict) {
			return old, next
		}
	}
	s.failf("updates conflict with a record that has not expired")
	return old, rec
}

// past returns times that are in the past for a store.
func past() []time.Time {
	return []time.Time{
		time.Now().Add(-2 * time.Second),
		time.Now().Add(-time.Hour),
		time.Unix(0, 0), // must not be taken for zero, which is never
		time.Unix(-1, 0),
		time.Time{}.Add(time.Nanosecond),
	}
}

func zones() []*time.Location {
	return []*time.Location{
		time.UTC,
		time.FixedZone("", 14*60*60),
		time.FixedZone("", -12*60*60),
		time.FixedZone("", -(3*60+30)*60),
	}
}
