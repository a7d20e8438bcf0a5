package gorillaholdfast

import (
	"fmt"
	"hash/crc32"
	"time"

	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/session"
)

// terms are what the visitor's browser was last told of a session's cookie. They are kept
// in the session, so that a Save that changes nothing of them sends no cookie: one that
// arrives late would replace the cookie of a renewal.
type terms struct {
	maxAge int    // Options.MaxAge
	told   int64  // when, in seconds since 1970
	scope  uint32 // a checksum of the other Options
}

// unknownTerms are those of a session that another program has begun.
var unknownTerms = terms{maxAge: -1}

func termsOf(o *sessions.Options, at time.Time) terms {
	scope := fmt.Sprintf("%q %q %t %t %t %d", o.Path, o.Domain, o.Secure, o.HttpOnly, o.Partitioned, o.SameSite)
	return terms{o.MaxAge, at.Unix(), crc32.ChecksumIEEE([]byte(scope))}
}

const termsFormat = "%d %d %08x"

func (t terms) encode() (encoded, error) {
	return encode(fmt.Sprintf(termsFormat, t.maxAge, t.told, t.scope))
}

func decodeTerms(data encoded) terms {
	value, err := decode(data)
	text, ok := value.(string)
	var t terms
	if err != nil || !ok {
		return unknownTerms
	}
	if _, err := fmt.Sscanf(text, termsFormat, &t.maxAge, &t.told, &t.scope); err != nil {
		return unknownTerms
	}
	return t
}

// lifetime returns how long Options.MaxAge lets a session live, 0 for as long as the
// browser runs.
func (t terms) lifetime() time.Duration {
	const longest = 1 << 32 // seconds: no overflow
	return time.Duration(min(t.maxAge, longest)) * time.Second
}

// end returns when the session ends by Options.MaxAge, zero if it does not.
func (t terms) end() time.Time {
	if t.maxAge <= 0 {
		return time.Time{}
	}
	return time.Unix(t.told, 0).Add(t.lifetime())
}

// expired reports whether the session has ended by Options.MaxAge. The store may keep its
// record for longer, if a Save has shortened MaxAge.
func (t terms) expired(now time.Time) bool {
	end := t.end()
	return !end.IsZero() && !now.Before(end)
}

// outdated reports whether the browser has to be told now, the terms of a Save: the
// Options have changed, or a tenth of MaxAge has passed.
func (t terms) outdated(now terms) bool {
	if t.maxAge != now.maxAge || t.scope != now.scope {
		return true
	}
	return t.maxAge > 0 && now.told-t.told >= int64(max(t.maxAge/10, 1))
}

// persist makes s end as the terms t of a Save say, which replace before. In that Save, s
// begins or is renewed if begins. The record may live longer, if MaxAge has become
// shorter; expired ends the session before. A browser session of an earlier lifetime than
// that of the Config would be over at once, so it is renewed.
func (t terms) persist(s *session.Session, before terms, begins bool, lifetime time.Duration) {
	switch {
	case t.maxAge > 0:
		s.Persist(t.lifetime())
	case before.maxAge == 0: // it was a browser session before
	case !begins && time.Since(s.CreatedAt()) >= lifetime:
		s.Renew()
		s.Persist(0)
	default:
		s.Persist(0)
	}
}
