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
	"github.com/holdfast-go/holdfast/session/internal/token"
)

// Config configures a Manager. The zero Config is secure and ready for use.
type Config struct {
	// SigningKeys sign the session cookie: the first signs, all of them verify.
	// Each must be 32 bytes or more of good randomness.
	//
	// To an instance that does not know the key of a cookie the visitor is a
	// stranger, whose cookie it replaces with the first value it sets. So a new key
	// takes three steps, each to be taken when every instance has taken the one
	// before: add it as the last; make it the first; and remove the old one,
	// PersistLifetime later. A cookie is signed once, when its session is new, renewed
	// or persisted.
	//
	// Without any, the Manager keeps a ring of keys in the provider, which all
	// instances share. If the store loses it, an instance that has it in memory puts
	// it back, and the Logger gets an error. An instance reads it at its first need and every five
	// minutes, and for a forged cookie at most once in ten seconds; one that has
	// found no ring takes cookies for forged until then. While an instance has never
	// been able to read the ring, it answers cookies with ErrUnavailable, and tries
	// again for them after a second, and after longer and longer up to ten.
	SigningKeys [][]byte

	// KeyRing leads from the ring to SigningKeys and back without signing anybody
	// out: see [KeyRing]. Default KeyRingAuto.
	KeyRing KeyRing

	// SigningKeyRotation is how often the ring in the provider gets a new key.
	// Default 30 days.
	SigningKeyRotation time.Duration

	// IdleTimeout ends a session that has not been used for so long.
	// Default 1 hour (NIST SP 800-63B, AAL2), or Lifetime if that is shorter.
	IdleTimeout time.Duration

	// Lifetime ends a session so long after it began or was last renewed,
	// however busy it is. Default 24 hours (NIST SP 800-63B, AAL2), or
	// IdleTimeout if that is longer.
	Lifetime time.Duration

	// TouchInterval is how much of the idle window a session may use up before
	// a request that changes nothing saves it to extend it. Default a tenth of
	// IdleTimeout.
	TouchInterval time.Duration

	// PersistLifetime caps what Session.Persist asks for, counted like Lifetime.
	// At most 400 days, where browsers cut cookies off. Default 30 days, or
	// Lifetime if that is longer.
	PersistLifetime time.Duration

	// PersistIdleTimeout ends a session that Session.Persist has made persistent when it
	// has not been used for so long. Default PersistLifetime, which is no limit.
	PersistIdleTimeout time.Duration

	// Isolation says which parallel changes conflict. Default LevelMerge.
	Isolation Isolation

	// Codec encodes values. Default CBOR().
	Codec Codec

	// MaxSize limits the bytes of a session's record, up to 256 of the commit
	// history aside. A commit over it fails with ErrTooLarge before any I/O.
	// Default 64 KiB.
	MaxSize int

	// OwnerLimit is how many sessions an owner (Session.SetOwner) may have at
	// once, up to 4096. One more ends the oldest. Of sign-ins at the same moment
	// a few may get past it, until the next one. A sign-in at the limit reads all
	// of the owner's sessions, eight at a time. Default 100; a negative one is no
	// limit but the 4096.
	OwnerLimit int

	// OwnerLimitRefuses makes the session over OwnerLimit fail its commit with
	// ErrTooManySessions, instead of ending another. A sign-in that follows one
	// that has failed or is under way may wait a second to see what comes of it.
	OwnerLimitRefuses bool

	// StoreTimeout bounds the storage I/O of one load or one commit. A commit
	// that has met a conflict may wait as long for its turn, and then has its
	// time anew. Where the sessions of an owner are looked up, for OwnerLimit or
	// in Manager.Sessions, each has its own. Default 3 s.
	StoreTimeout time.Duration

	// Namespace keeps the sessions and the owners of Managers that share a store
	// apart. Where they serve one host they need cookies of different names as
	// well. A public ID is that of a record in the store, whatever its Namespace.
	Namespace string

	// Cookie holds the attributes of the session cookie.
	Cookie Cookie

	// ErrorHandler answers a request whose session could not be loaded by
	// HandlerFunc or could not be committed. Nothing of the handler's own
	// response has been sent, and its headers are gone. StatusCode tells the
	// status of an error. Default: a short plain text, and a log line; one of
	// your own has to log for itself.
	ErrorHandler func(http.ResponseWriter, *http.Request, error)

	// Logger gets what no caller can be told. Lines carry a session's public ID
	// and names of keys, never its cookie or values. Default slog.Default().
	Logger *slog.Logger

	// Observer is told of every operation when it is over, for metrics and
	// traces; see package otelholdfast. The context is the request's, or that of
	// the call. It is called by the goroutine that waits for the operation, so it
	// should be quick, and must not use the session. Default: none.
	Observer func(context.Context, Event)

	// ReplayAttempts is how often HandlerFunc and Replay run a handler in all
	// before a conflict becomes an error; 1 disables replay. Default 10.
	ReplayAttempts int

	// MaxReplayBody is how many bytes of a request's body Replay keeps for
	// another run. Of a longer one a conflict is an error. Default 256 KiB.
	MaxReplayBody int
}

// KeyRing says what the ring of keys in the provider is used for.
//
// The ways from the ring to SigningKeys and back take three steps, each to be taken when
// every instance has taken the one before. Both pass through the same two, in which
// every instance verifies with the keys of both:
//
//	the ring       no SigningKeys
//	both           SigningKeys, KeyRingSigns
//	both           SigningKeys, KeyRingVerifies
//	SigningKeys    SigningKeys, KeyRingAuto
//
// Go down from the ring to SigningKeys, and up from there to the ring. Take the third
// step PersistLifetime after the second: until then there are cookies of the other keys.
type KeyRing int

const (
	// KeyRingAuto has the ring sign and verify where there are no SigningKeys, and
	// does not use it where there are.
	KeyRingAuto KeyRing = iota

	// KeyRingSigns has the ring sign. SigningKeys verify as well.
	KeyRingSigns

	// KeyRingVerifies has the first of the SigningKeys sign. The ring verifies as
	// well, and is made when the first cookie is signed.
	KeyRingVerifies
)

// Cookie holds the attributes of the session cookie (RFC 6265bis). The zero
// value is "__Host-session; Path=/; Secure; HttpOnly; SameSite=Lax", which ends
// with the browser. HttpOnly is always set.
//
// Browsers keep a cookie for each combination of Name, Domain, Path and Partitioned.
// Give the cookie another Name when you change one of the others, and where
// another site of the domain has the same SigningKeys. Otherwise browsers send
// both cookies, and this is what happens: the one whose session lives counts, at one
// storage trip for each that is validly signed. If several sessions live, none is
// served, since a sibling subdomain may have planted a cookie, and the Logger is told
// so once. A new session, and with it every login, then ends those others, and
// Session.Destroy ends every session whose cookie came. Of more than eight cookies
// of the name none is looked at.
//
// Where several came, Destroy and Manager.ClearCookie clear the cookie in the other scopes
// that they can know, by up to 16 more Set-Cookie headers: of this host alone, of
// the Domain, the host and the domains above them but the top-level one, of the folders
// of the request's path, Partitioned and not. So does a login that has ended other
// sessions, or with more than eight cookies. A cookie whose name begins with
// __Host- has no other Domain or Path.
type Cookie struct {
	Name        string        // default "__Host-session"; with Path or Domain "__Secure-session"; with Insecure "session"
	Path        string        // default "/"
	Domain      string        // default: this host alone
	SameSite    http.SameSite // default Lax, which browsers keep back from a POST of another site's page
	Partitioned bool          // one cookie jar for each top-level site (CHIPS)

	// MaxAge is how long the browser keeps the cookie, counted from when the
	// session is new or renewed, not from its last use. The store keeps the session
	// by Config.IdleTimeout and Lifetime, whatever MaxAge says: a longer MaxAge
	// extends nothing, and with a shorter one the browser forgets a session that
	// still lives. For "keep me signed in" use Session.Persist, which sets both.
	// Default 0: until the browser ends.
	MaxAge time.Duration

	// Insecure leaves Secure away, for plain HTTP, where anyone on the way can
	// read the cookie and take the session over.
	Insecure bool
}

const (
	defaultRotation        = 30 * 24 * time.Hour
	defaultIdleTimeout     = time.Hour
	defaultLifetime        = 24 * time.Hour
	defaultPersistLifetime = 30 * 24 * time.Hour
	defaultMaxSize         = 64 << 10
	defaultOwnerLimit      = 100
	defaultStoreTimeout    = 3 * time.Second
	defaultReplayAttempts  = 10
	defaultMaxReplayBody   = 256 << 10

	minSigningKey = 32
	maxCookieAge  = 400 * 24 * time.Hour // RFC 6265bis, section 5.5
)

// withDefaults returns a copy of c, with its slices copied as well, in which
// every zero field has its default.
func (c Config) withDefaults() Config {
	c.SigningKeys = slices.Clone(c.SigningKeys)
	for i, key := range c.SigningKeys {
		c.SigningKeys[i] = slices.Clone(key)
	}
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
	setDefault(&c.Logger, slog.Default())
	setDefault(&c.ReplayAttempts, defaultReplayAttempts)
	setDefault(&c.MaxReplayBody, defaultMaxReplayBody)
	c.Cookie = c.Cookie.withDefaults()
	return c
}

func (c Cookie) withDefaults() Cookie {
	setDefault(&c.Path, "/")
	setDefault(&c.SameSite, http.SameSiteLaxMode)
	switch {
	case c.Name != "":
	case c.Insecure:
		c.Name = "session"
	case c.Domain != "" || c.Path != "/":
		c.Name = "__Secure-session"
	default:
		c.Name = "__Host-session"
	}
	return c
}

// atMost returns the default d, or a shorter limit that was set.
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

// validate reports every mistake of a Config that has its defaults.
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
	check(c.KeyRing >= KeyRingAuto && c.KeyRing <= KeyRingVerifies, "KeyRing %d is no use of it", c.KeyRing)
	check(c.KeyRing == KeyRingAuto || len(c.SigningKeys) > 0, "KeyRing: a ring beside SigningKeys needs some; without any leave KeyRing away")
	check(c.SigningKeyRotation >= time.Hour, "SigningKeyRotation %v is under an hour", c.SigningKeyRotation)
	check(c.IdleTimeout > 0, "IdleTimeout %v is negative", c.IdleTimeout)
	check(c.Lifetime >= c.IdleTimeout, "Lifetime %v is shorter than IdleTimeout %v", c.Lifetime, c.IdleTimeout)
	check(c.TouchInterval > 0 && c.TouchInterval <= c.IdleTimeout, "TouchInterval %v is not between 0 and IdleTimeout %v", c.TouchInterval, c.IdleTimeout)
	check(c.PersistLifetime >= c.Lifetime, "PersistLifetime %v is shorter than Lifetime %v", c.PersistLifetime, c.Lifetime)
	check(c.PersistLifetime <= maxCookieAge, "PersistLifetime %v is over the 400 days that browsers keep a cookie", c.PersistLifetime)
	check(c.PersistIdleTimeout >= c.IdleTimeout, "PersistIdleTimeout %v is shorter than IdleTimeout %v", c.PersistIdleTimeout, c.IdleTimeout)
	check(c.Isolation >= LevelMerge && c.Isolation <= LevelStrict, "Isolation %d is no level", c.Isolation)
	check(c.Codec.Name() != "", "Codec has an empty name")
	check(c.Codec.Name() != records.OwnerIndexFormat, "Codec has the name %q, which is taken", records.OwnerIndexFormat)
	check(!strings.Contains(c.Namespace, "\x00"), "Namespace contains a NUL")
	check(c.OwnerLimit <= owners.MaxEntries, "OwnerLimit %d is over the %d that can be listed", c.OwnerLimit, owners.MaxEntries)
	check(c.MaxSize > 0, "MaxSize %d is negative", c.MaxSize)
	check(c.StoreTimeout > 0, "StoreTimeout %v is negative", c.StoreTimeout)
	check(c.ReplayAttempts > 0, "ReplayAttempts %d is negative; 1 disables replay", c.ReplayAttempts)
	check(c.MaxReplayBody > 0, "MaxReplayBody %d is negative", c.MaxReplayBody)
	return errors.Join(append(errs, c.Cookie.validate())...)
}

// validate holds the cookie to what RFC 6265bis lets a browser keep.
func (c Cookie) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("session: Cookie."+format, args...))
		}
	}
	lower := strings.ToLower(c.Name) // browsers compare the prefixes without regard to case
	host := c.hostPrefixed()
	secure := strings.HasPrefix(lower, "__secure-") || strings.HasPrefix(lower, "__http-")
	check(!(host || secure) || !c.Insecure, "Insecure: browsers drop a cookie named %q without Secure; choose another Name", c.Name)
	check(!host || c.Domain == "", "Domain: browsers drop a cookie named %q with a Domain; choose another Name", c.Name)
	check(!host || c.Path == "/", "Path: browsers drop a cookie named %q with a Path other than /; choose another Name", c.Name)
	check(strings.HasPrefix(c.Path, "/"), "Path %q does not begin with /", c.Path)
	check(c.SameSite != http.SameSiteNoneMode || !c.Insecure, "SameSite: browsers drop a SameSite=None cookie without Secure")
	check(c.SameSite >= http.SameSiteLaxMode && c.SameSite <= http.SameSiteNoneMode, "SameSite is no mode to choose; take Lax, Strict or None")
	check(!c.Partitioned || !c.Insecure, "Partitioned: browsers drop a partitioned cookie without Secure")
	check(c.MaxAge >= 0 && c.MaxAge <= maxCookieAge, "MaxAge %v is not between 0 and 400 days", c.MaxAge)
	check(c.MaxAge == 0 || c.MaxAge >= time.Second, "MaxAge %v is under a second", c.MaxAge)

	specimen := c.render(strings.Repeat("x", token.ValueLength), maxCookieAge)
	if err := specimen.Valid(); err != nil {
		errs = append(errs, fmt.Errorf("session: %s", strings.TrimPrefix(err.Error(), "http: ")))
	} else {
		check(len(c.Name)+token.ValueLength <= maxCookieLength, "Name: the cookie is over the %d bytes that browsers keep", maxCookieLength)
		check(len(specimen.Path) <= maxCookieAttribute, "Path is over the %d bytes that browsers keep", maxCookieAttribute)
	}
	return errors.Join(errs...)
}
