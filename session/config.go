package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/records"
)

// Config configures a Manager. The zero Config is secure and ready for use.
type Config struct {
	// SigningKeys sign the session cookie: the first signs, all of them verify. Each must be
	// 32 bytes or more of good randomness.
	//
	// An instance that does not know the key of a cookie treats the visitor as new, and
	// replaces the cookie when a value is set. A change of keys therefore takes three steps.
	// Take each step only when every instance has completed the one before: add the new key
	// as the last; make it the first; remove the old key, PersistLifetime later. A cookie is
	// signed once, when its session is created, renewed or persisted.
	//
	// Without SigningKeys, the Manager keeps a ring of keys in the provider, which all
	// instances share. If the store loses the ring, an instance that has it in memory
	// restores it and logs an error. An instance reads the ring when it first needs it,
	// every four to five minutes, and for cookies of an unknown key at most once in ten seconds. An
	// instance that has found no ring treats cookies as forged until it reads again. An
	// instance that has never been able to read the ring answers requests with a session
	// cookie with ErrUnavailable. It tries again after one second, then after longer pauses
	// of up to ten seconds.
	SigningKeys [][]byte

	// KeyRing moves a deployment from the ring to SigningKeys and back without signing
	// anybody out: see [KeyRing]. Default KeyRingAuto.
	KeyRing KeyRing

	// SigningKeyRotation is the time between two new keys in the provider's ring, at least
	// one hour. Default 30 days.
	SigningKeyRotation time.Duration

	// IdleTimeout ends a session that has not been used for this time. Default 1 hour (NIST
	// SP 800-63B, AAL2), or Lifetime if that is shorter.
	IdleTimeout time.Duration

	// Lifetime ends a session this long after it began or was last renewed, even if it is in
	// use. Default 24 hours (NIST SP 800-63B, AAL2), or IdleTimeout if that is longer.
	Lifetime time.Duration

	// TouchInterval is how much of the idle timeout must have passed before a request
	// without changes saves the session to extend it. Default a tenth of IdleTimeout.
	TouchInterval time.Duration

	// PersistLifetime limits Session.Persist. It counts from the same moment as Lifetime. It
	// is at most 400 days, the longest that browsers keep a cookie. Default 30 days, or
	// Lifetime if that is longer.
	PersistLifetime time.Duration

	// PersistIdleTimeout ends a persistent session (Session.Persist) that has not been used
	// for this time. Default PersistLifetime, which means no separate limit.
	PersistIdleTimeout time.Duration

	// Isolation says which parallel changes conflict. Default LevelMerge.
	Isolation Isolation

	// Codec encodes values. Default CBOR().
	Codec Codec

	// MaxSize is the maximum size of a session's record in bytes. Up to 256 bytes of commit
	// history do not count. A larger commit fails with ErrTooLarge before any I/O. Default
	// 64 KiB.
	MaxSize int

	// OwnerLimit is the maximum number of sessions of one owner (Session.SetOwner), up to
	// 4096. A sign-in above the limit ends the oldest session. Simultaneous sign-ins may
	// exceed the limit by a few sessions until the next sign-in. A sign-in at the limit
	// reads all of the owner's sessions, eight at a time. Default 100. A negative value
	// means no limit below 4096.
	OwnerLimit int

	// OwnerLimitRefuses makes a sign-in above OwnerLimit fail with ErrTooManySessions,
	// instead of ending the oldest session. A sign-in may wait up to a second for an earlier
	// sign-in that has failed or is still under way.
	OwnerLimitRefuses bool

	// StoreTimeout limits the storage I/O of one load or one commit. A commit that has met a
	// conflict may queue for up to StoreTimeout, and then gets a fresh StoreTimeout. When an
	// owner's sessions are looked up, for OwnerLimit or in Manager.Sessions, each lookup has
	// its own. Default 3 s.
	StoreTimeout time.Duration

	// WatchInterval is the time within which Session.Watch notices the end of a session in
	// any case: each watched session is read so often, however many contexts watch it. If
	// the provider is a provider.Broadcaster, ends are noticed at once, and a longer
	// interval saves reads. Default 30 s.
	WatchInterval time.Duration

	// ReadCache lets requests that only read use copies of records, which are up to MaxStale
	// old, in place of a storage trip. The zero value turns it off.
	ReadCache ReadCache

	// RevokeEverythingWithin switches Manager.RevokeEverything on, and is the time within
	// which every instance notices a call. An instance that handles requests reads one record
	// twice in that time, in the background; the first request after a pause waits for that
	// read. While that record cannot be read for that time, requests with a session are
	// answered with ErrUnavailable. Set it on every instance before the first call of
	// RevokeEverything: afterwards, a session that an instance without it has begun counts as
	// ended. At least one second and twice StoreTimeout, and at most an hour; 10 s is a good
	// value. Default 0: RevokeEverything returns an error, and nothing is read.
	RevokeEverythingWithin time.Duration

	// DeviceBinding binds sessions to the device of their browser, so that a stolen cookie
	// soon is worth nothing (Device Bound Session Credentials, W3C). Serve
	// Manager.DeviceBinding at DeviceBindingPath. Default BindingOff.
	DeviceBinding DeviceBinding

	// DeviceBindingPath is the path below which browsers find Manager.DeviceBinding, as they
	// see it. It must be below Cookie.Path. Default "/device-binding/".
	DeviceBindingPath string

	// DeviceBindingInterval is how long the bound cookie lives, and thus for how long at most
	// a thief who has copied all cookies has the session. Each visitor who is active costs
	// two saves in that time: one of the refresh, and one when the first request comes with the
	// new cookie. At least 4 minutes. Default 10 minutes.
	DeviceBindingInterval time.Duration

	// DeviceBindingDeadline is how long after a Renew the browser may register its key.
	// Default 1 minute.
	DeviceBindingDeadline time.Duration

	// RotateInterval gives the visitor of a session in use a new cookie so often. The one
	// before is good until the browser has sent the new one back, and for RotateGrace after
	// that. If it is used later, two clients have the session, so its cookie was copied: the
	// session is ended (OpEnd with EndTheft), which is logged as an error, and both have to
	// sign in again. A thief is thus noticed if both go on. Each interval costs two saves of
	// a session in use. The ID of the session stays, and a session that is bound to a device
	// is not rotated.
	//
	// Set it when every instance has a version of this package that knows it: an older one
	// takes the new cookies for forged. A client must replace its token by that of each
	// response: one that keeps copies, such as a mobile app with cookies of its own and those
	// of a web view, is signed out.
	//
	// At least twice RotateGrace; 15 minutes is a good value. Default 0: cookies are not
	// rotated, and old ones are good.
	RotateInterval time.Duration

	// RotateGrace is how long after the browser has sent a new cookie back the one before may
	// still arrive, with requests that were sent before the browser had the new one. A request
	// has arrived when its session is loaded: a handler that reads an upload calls Load before.
	// A proxy that buffers uploads holds requests back for as long as the upload takes. At
	// least 30 seconds. Default 1 minute.
	RotateGrace time.Duration

	// Namespace separates the sessions and owners of Managers that share a store. Managers
	// that serve the same host also need cookies of different names. A public ID names a
	// record in the store, whatever its Namespace. Default "".
	Namespace string

	// Cookie holds the attributes of the session cookie.
	Cookie Cookie

	// Header is the name of a header in which clients without cookies send the token of
	// their session: Authorization, with the scheme Bearer (RFC 6750), or a name such as
	// X-Session-Token. Default "": none.
	//
	// A request with that header is served by it alone, even if it is empty: cookies of the
	// request are ignored, and the response sets none. Of Authorization only the scheme
	// Bearer counts: with another one, such as Basic, or with none, a request is served by
	// its cookies. A token that a commit has changed is sent in the same header of the
	// response, or in Session-Token if Header is Authorization; an empty value tells the
	// client to forget its token. A client's first request, such as a login, either has the
	// header with no token, or gets the token from the program: see [Session.Token]. A
	// token that is malformed or that comes twice stands for no session. A response for
	// which the session was loaded varies by Header, and one with a token in its header is
	// not cached. A page of another origin can send and read these headers only if CORS
	// allows it.
	Header string

	// HeaderOnly turns cookies off: none is read and none is set.
	HeaderOnly bool

	// ClearSiteData names the data of the site that browsers are to remove when
	// Session.Destroy is committed, by the header Clear-Site-Data: "cache", "cookies",
	// "storage", or another type of that header. Default: none, and no header.
	//
	// Browsers obey over HTTPS only, and on localhost. "cookies" also ends the other cookies
	// of the registrable domain, those of sibling subdomains included, such as a consent or
	// the session of another application. It is left out if the response sets a new session's
	// cookie, or if the session had ended before. "storage" includes service workers and what
	// scripts have stored. A browser may keep the response waiting until all is removed, and
	// for "cache" that may take seconds. A response for Manager.Open, and a session that ends
	// in another way, have no such header.
	ClearSiteData []string

	// ErrorHandler answers a request whose session could not be loaded by HandlerFunc or
	// could not be committed. Nothing of the handler's own response has been sent, and its
	// headers have been removed. StatusCode returns the status for the error. Default: a
	// short plain text and a log line. A custom ErrorHandler must do its own logging.
	ErrorHandler func(http.ResponseWriter, *http.Request, error)

	// Logger receives problems that cannot be returned to a caller. Log lines contain public
	// IDs and names of keys, never cookies or values. Default slog.Default().
	Logger *slog.Logger

	// Observer is called after every operation, for metrics and traces; see package
	// otelholdfast. The context is that of the request or the call. Observer runs in the
	// goroutine that waits for the operation, so it should return quickly. It must not use
	// the session. Default: none.
	Observer func(context.Context, Event)

	// ReplayAttempts is the maximum number of runs of a handler in HandlerFunc and Replay
	// before a conflict is returned as an error; 1 disables replay. Default 10.
	ReplayAttempts int

	// MaxReplayBody is the maximum number of bytes of a request's body that Replay keeps for
	// another run. If a handler has read more, a conflict is returned as an error. Default
	// 256 KiB.
	MaxReplayBody int
}

// KeyRing says how the ring of keys in the provider is used.
//
// The migrations from the ring to SigningKeys and back take three steps. Take each step
// only when every instance has completed the one before. Both migrations pass through the
// same two states, in which every instance verifies with the keys of both:
//
//	the ring       no SigningKeys
//	both           SigningKeys, KeyRingSigns
//	both           SigningKeys, KeyRingVerifies
//	SigningKeys    SigningKeys, KeyRingAuto
//
// Go down to migrate from the ring to SigningKeys, and up to migrate to the ring. Take
// the third step PersistLifetime after the second: until then there are cookies that were
// signed by the other keys.
type KeyRing int

const (
	// KeyRingAuto signs and verifies with the ring if there are no SigningKeys, and does not
	// use the ring otherwise.
	KeyRingAuto KeyRing = iota

	// KeyRingSigns signs with the ring. SigningKeys verify as well.
	KeyRingSigns

	// KeyRingVerifies signs with the first of the SigningKeys. The ring verifies as well,
	// and is created when the first cookie is signed.
	KeyRingVerifies
)

const (
	defaultRotation        = 30 * 24 * time.Hour
	defaultIdleTimeout     = time.Hour
	defaultLifetime        = 24 * time.Hour
	defaultPersistLifetime = 30 * 24 * time.Hour
	defaultMaxSize         = 64 << 10
	defaultOwnerLimit      = 100
	defaultStoreTimeout    = 3 * time.Second
	defaultWatchInterval   = 30 * time.Second
	defaultReplayAttempts  = 10
	defaultMaxReplayBody   = 256 << 10

	minSigningKey = 32
	maxCookieAge  = 400 * 24 * time.Hour // RFC 6265bis, section 5.5
)

// withDefaults returns a copy of c, including its slices, in which every zero field has
// its default.
func (c Config) withDefaults() Config {
	c.SigningKeys = slices.Clone(c.SigningKeys)
	for i, key := range c.SigningKeys {
		c.SigningKeys[i] = slices.Clone(key)
	}
	c.ClearSiteData = slices.Clone(c.ClearSiteData)
	setDefault(&c.SigningKeyRotation, defaultRotation)
	setDefault(&c.IdleTimeout, atMost(defaultIdleTimeout, c.Lifetime, c.PersistLifetime, c.PersistIdleTimeout))
	setDefault(&c.Lifetime, atMost(max(defaultLifetime, c.IdleTimeout), c.PersistLifetime))
	setDefault(&c.TouchInterval, max(c.IdleTimeout/10, 1))
	setDefault(&c.PersistLifetime, min(max(defaultPersistLifetime, c.Lifetime), maxCookieAge))
	setDefault(&c.PersistIdleTimeout, c.PersistLifetime)
	setDefault(&c.Codec, CBOR())
	setDefault(&c.MaxSize, defaultMaxSize)
	setDefault(&c.OwnerLimit, defaultOwnerLimit)
	setDefault(&c.StoreTimeout, defaultStoreTimeout)
	setDefault(&c.WatchInterval, defaultWatchInterval)
	setDefault(&c.ReadCache.MaxBytes, defaultReadCacheBytes)
	c.setBindingDefaults()
	setDefault(&c.RotateGrace, defaultRotateGrace)
	setDefault(&c.Logger, slog.Default())
	setDefault(&c.ReplayAttempts, defaultReplayAttempts)
	setDefault(&c.MaxReplayBody, defaultMaxReplayBody)
	c.Cookie = c.Cookie.withDefaults()
	c.Header = http.CanonicalHeaderKey(c.Header)
	return c
}

// atMost returns the default d, or the shortest limit that is set if that is shorter.
func atMost(d time.Duration, limits ...time.Duration) time.Duration {
	for _, limit := range limits {
		if limit > 0 {
			d = min(d, limit)
		}
	}
	return d
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate reports every mistake in a Config whose defaults are set.
func (c Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("session: "+format, args...))
		}
	}
	for i, key := range c.SigningKeys {
		check(len(key) >= minSigningKey, "SigningKeys[%d] has %d bytes; take %d or more from crypto/rand", i, len(key), minSigningKey)
	}
	check(c.KeyRing >= KeyRingAuto && c.KeyRing <= KeyRingVerifies, "KeyRing %d is not a valid value", c.KeyRing)
	check(c.KeyRing == KeyRingAuto || len(c.SigningKeys) > 0, "KeyRing needs SigningKeys; without SigningKeys leave KeyRing unset")
	check(c.SigningKeyRotation >= time.Hour, "SigningKeyRotation %v is under an hour", c.SigningKeyRotation)
	check(c.IdleTimeout > 0, "IdleTimeout %v is negative", c.IdleTimeout)
	check(c.Lifetime >= c.IdleTimeout, "Lifetime %v is shorter than IdleTimeout %v", c.Lifetime, c.IdleTimeout)
	check(c.TouchInterval > 0 && c.TouchInterval <= c.IdleTimeout, "TouchInterval %v is not between 0 and IdleTimeout %v", c.TouchInterval, c.IdleTimeout)
	check(c.PersistLifetime >= c.Lifetime, "PersistLifetime %v is shorter than Lifetime %v", c.PersistLifetime, c.Lifetime)
	check(c.PersistLifetime <= maxCookieAge, "PersistLifetime %v is over the 400 days that browsers keep a cookie", c.PersistLifetime)
	check(c.PersistIdleTimeout >= c.IdleTimeout, "PersistIdleTimeout %v is shorter than IdleTimeout %v", c.PersistIdleTimeout, c.IdleTimeout)
	check(c.Isolation >= LevelMerge && c.Isolation <= LevelStrict, "Isolation %d is not a valid level", c.Isolation)
	check(c.Codec.Name() != "", "Codec has an empty name")
	check(c.Codec.Name() != records.OwnerIndexFormat, "Codec has the name %q, which is taken", records.OwnerIndexFormat)
	check(!strings.Contains(c.Namespace, "\x00"), "Namespace contains a NUL")
	check(c.OwnerLimit <= owners.MaxEntries, "OwnerLimit %d is over the %d that can be listed", c.OwnerLimit, owners.MaxEntries)
	check(c.MaxSize > 0, "MaxSize %d is negative", c.MaxSize)
	check(c.StoreTimeout > 0, "StoreTimeout %v is negative", c.StoreTimeout)
	check(c.WatchInterval > 0, "WatchInterval %v is negative; 0 means the default of %v", c.WatchInterval, defaultWatchInterval)
	check(c.ReadCache.MaxStale >= 0 && c.ReadCache.MaxStale <= maxStaleLimit, "ReadCache.MaxStale %v is not between 0 and %v", c.ReadCache.MaxStale, maxStaleLimit)
	check(c.ReadCache.MaxBytes >= minReadCacheBytes, "ReadCache.MaxBytes %d is under 1 MiB; 0 means the default of 64 MiB", c.ReadCache.MaxBytes)
	check(c.RevokeEverythingWithin == 0 || c.RevokeEverythingWithin >= max(time.Second, 2*c.StoreTimeout) && c.RevokeEverythingWithin <= time.Hour,
		"RevokeEverythingWithin %v is not between %v, which is twice StoreTimeout, and an hour", c.RevokeEverythingWithin, max(time.Second, 2*c.StoreTimeout))
	check(c.ReplayAttempts > 0, "ReplayAttempts %d is negative; 1 disables replay", c.ReplayAttempts)
	check(c.MaxReplayBody > 0, "MaxReplayBody %d is negative", c.MaxReplayBody)
	return errors.Join(append(errs, c.validateHeader(), c.validateClearSiteData(), c.validateBinding(), c.validateRotation(), c.Cookie.validate(c.longestValue()))...)
}
