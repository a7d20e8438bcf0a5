package session

import "time"

// AAL1 returns a Config with the time limits of NIST SP 800-63B-4 for sessions of
// authenticator assurance level 1. [AAL2] and [AAL3] return those of levels 2 and 3
// (sections 2.1.3, 2.2.3 and 2.3.3). They set IdleTimeout, Lifetime, PersistLifetime and
// PersistIdleTimeout, and no other field:
//
//	        inactivity            overall
//	AAL1    none is required      30 days (SHOULD)
//	AAL2    1 hour (SHOULD)       24 hours (SHOULD)
//	AAL3    15 minutes (SHOULD)   12 hours (SHALL)
//
// No session outlives these limits; they apply to [Session.Persist], too. [Session.Renew]
// restarts both: call it upon reauthentication.
//
// A session may end before its inactivity limit, by up to TouchInterval, which defaults
// to a tenth of it. The reason is that a session that is only read is not saved at every
// request. With a TouchInterval of a second the error is at most a second.
func AAL1() Config { return limits(30*day, 30*day) }

// AAL2 is [AAL1] for level 2. IdleTimeout and Lifetime are those of the zero Config; they
// limit Persist as well.
func AAL2() Config { return limits(time.Hour, 24*time.Hour) }

// AAL3 is [AAL1] for level 3.
func AAL3() Config { return limits(15*time.Minute, 12*time.Hour) }

const day = 24 * time.Hour

// limits returns a Config with these limits for all sessions, persistent or not.
func limits(idle, overall time.Duration) Config {
	return Config{IdleTimeout: idle, Lifetime: overall, PersistLifetime: overall, PersistIdleTimeout: idle}
}
