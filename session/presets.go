package session

import "time"

// AAL1 returns a Config with the time limits that NIST SP 800-63B-4 has for
// sessions of its authenticator assurance level 1, and [AAL2] and [AAL3] for those
// of levels 2 and 3 (sections 2.1.3, 2.2.3 and 2.3.3). They set IdleTimeout,
// Lifetime, PersistLifetime and PersistIdleTimeout, and no other field:
//
//	        inactivity            overall
//	AAL1    none is required      30 days (SHOULD)
//	AAL2    1 hour (SHOULD)       24 hours (SHOULD)
//	AAL3    15 minutes (SHOULD)   12 hours (SHALL)
//
// No session outlives them, nor does [Session.Persist] get around them.
// [Session.Renew] begins both anew: call it upon reauthentication.
//
// A session may end before its inactivity limit, by up to TouchInterval, which
// is a tenth of it unless it is set: one that is only read is not saved at every
// request. With a TouchInterval of a second it ends to the second.
func AAL1() Config { return limits(30*day, 30*day) }

// AAL2 is [AAL1] for level 2. IdleTimeout and Lifetime are those of the zero
// Config; Persist is held to them as well.
func AAL2() Config { return limits(time.Hour, 24*time.Hour) }

// AAL3 is [AAL1] for level 3.
func AAL3() Config { return limits(15*time.Minute, 12*time.Hour) }

const day = 24 * time.Hour

// limits returns a Config whose sessions end after so long, persistent or not.
func limits(idle, overall time.Duration) Config {
	return Config{IdleTimeout: idle, Lifetime: overall, PersistLifetime: overall, PersistIdleTimeout: idle}
}
