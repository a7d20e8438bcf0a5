package scsholdfast

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

// rememberMe is the key under which scs stores the setting of RememberMe.
const rememberMe = "__rememberMe"

// deadlineName is the name of the key of a deadline that is not Lifetime after the
// session began.
const deadlineName = "scsholdfast.deadline"

// deadlineKey holds the nanoseconds of the deadline. Reading it must not conflict with a
// parallel request that moves it.
var deadlineKey = session.NewKey[encoded](deadlineName).LastWriteWins()

func encodeDeadline(t time.Time) encoded {
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixNano()))
}

func deadlineOf(v encoded, ok bool) (time.Time, bool) {
	if !ok || len(v) != 8 {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(v))).UTC(), true
}

// RememberMe says whether the browser keeps the cookie until the deadline of the session,
// or only until the browser session ends. It has an effect if Cookie.Persist is not set,
// and only in LoadAndSave and WriteSessionCookie. As in scs, the setting is the value of
// the key "__rememberMe". With Config.RotateInterval it takes effect with the next new
// cookie, such as that of RenewToken: to send the present one again could replace a newer
// one.
func (s *SessionManager) RememberMe(ctx context.Context, val bool) {
	s.Put(ctx, rememberMe, val)
	d := s.data(ctx)
	if !d.core.cookie.Persist && !d.core.rotates {
		d.resend.Store(true)
	}
}

// remembered reports whether RememberMe is set.
func (d *data) remembered() bool {
	v, ok := d.values.peek(rememberMe)
	if !ok {
		return false
	}
	val, _ := d.core.codec.decode(v)
	on, _ := val.(bool)
	return on
}

// Deadline returns when the session ends even if it is in use. With an IdleTimeout it may
// end earlier. An import keeps the deadline of the old session.
func (s *SessionManager) Deadline(ctx context.Context) time.Time {
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.deadline
}

// SetDeadline sets when the session ends even if it is in use, and sends the cookie with
// the new expiry. It may be earlier or later than Lifetime, but not later than 400 days
// after the session began or was renewed. An IdleTimeout still applies. If the deadline
// is not between the years 1678 and 2262, SetDeadline panics.
func (s *SessionManager) SetDeadline(ctx context.Context, expire time.Time) {
	if y := expire.Year(); y < 1678 || y > 2261 {
		panic("scsholdfast: SetDeadline: " + expire.String() + " is not between the years 1678 and 2262")
	}
	d := s.data(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.values.setDeadline(expire)
	d.deadline, d.status = expire, Modified
}
