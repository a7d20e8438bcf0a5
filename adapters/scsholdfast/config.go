package scsholdfast

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

// maxLifetime is the longest that browsers keep a cookie.
const maxLifetime = 400 * 24 * time.Hour

// core is the configuration of a SessionManager as of its first use.
type core struct {
	key         contextKey
	manager     *session.Manager
	store       provider.Provider
	idleTimeout time.Duration // 0: none
	lifetime    time.Duration
	cookie      SessionCookie
	rotates     bool // Config.RotateInterval is set
	codec       valueCodec
	errorFunc   func(http.ResponseWriter, *http.Request, error)
	mayLose     func(key string) bool
	logger      *slog.Logger
	importer    *importer // nil: none
}

// core returns the configuration, which the first call fixes.
func (s *SessionManager) core() (*core, error) {
	s.fix.Do(func() { s.fixed, s.err = s.build() })
	return s.fixed, s.err
}

func (s *SessionManager) build() (*core, error) {
	c := &core{
		key:         contextKey{s},
		store:       s.Store,
		idleTimeout: s.IdleTimeout,
		lifetime:    s.Lifetime,
		cookie:      s.Cookie,
		rotates:     s.Config.RotateInterval > 0,
		codec:       newValueCodec(s.Codec),
		errorFunc:   s.ErrorFunc,
		mayLose:     s.LastWriteWins,
		logger:      loggerOf(&s.Config),
	}
	c.cookie.setDefaults()
	if c.errorFunc == nil {
		c.errorFunc = s.answerError
	}
	if c.mayLose == nil {
		c.mayLose = func(string) bool { return false }
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	var err error
	if c.manager, err = session.New(s.Store, c.config(s.Config)); err != nil {
		return nil, err
	}
	if s.Import != nil {
		c.importer = newImporter(c, *s.Import, s.Config)
	}
	return c, nil
}

// config returns the Config of the Manager: cfg and what follows from the other fields.
func (c *core) config(cfg session.Config) session.Config {
	cfg.Lifetime, cfg.PersistLifetime = c.lifetime, maxLifetime
	cfg.IdleTimeout, cfg.PersistIdleTimeout = c.lifetime, maxLifetime
	if c.idleTimeout > 0 {
		cfg.IdleTimeout = min(c.idleTimeout, c.lifetime)
		cfg.PersistIdleTimeout = min(c.idleTimeout, maxLifetime)
	}
	cfg.Codec = c.codec
	cfg.Cookie = c.cookie.config()
	cfg.ErrorHandler = c.answer
	return cfg
}

// validate reports the mistakes that the Manager would not notice, or would report by
// names that are not those of a SessionManager.
func (s *SessionManager) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("scsholdfast: "+format, args...))
		}
	}
	check(s.Store != nil, "Store is nil; set it to a provider, or make the SessionManager with New")
	check(s.Codec != nil, "Codec is nil; set it, or make the SessionManager with New")
	check(s.Lifetime > 0, "Lifetime %v is not positive", s.Lifetime)
	check(s.Lifetime <= maxLifetime, "Lifetime %v is over the 400 days that browsers keep a cookie", s.Lifetime)
	check(s.IdleTimeout >= 0, "IdleTimeout %v is negative; zero means none", s.IdleTimeout)
	check(s.Cookie.Secure || s.Cookie.SameSite != http.SameSiteNoneMode, "Cookie.SameSite: browsers drop a SameSite=None cookie without Secure; set Cookie.Secure")
	check(s.Cookie.Secure || !s.Cookie.Partitioned, "Cookie.Partitioned: browsers drop a partitioned cookie without Secure; set Cookie.Secure")
	check(s.Import == nil || s.Import.Store != nil, "Import.Store is nil; set it to the store that scs has used")
	given := reflect.ValueOf(s.Config)
	for _, name := range []string{"IdleTimeout", "Lifetime", "PersistLifetime", "PersistIdleTimeout", "Codec", "Cookie", "ErrorHandler"} {
		check(given.FieldByName(name).IsZero(), "Config.%s must not be set; it follows from the fields of SessionManager", name)
	}
	check(s.Config.Header == "" && !s.Config.HeaderOnly, "Config.Header and HeaderOnly must not be set; pass tokens of a header to Load")
	return errors.Join(errs...)
}

// answer is the ErrorHandler of the Manager.
func (c *core) answer(w http.ResponseWriter, r *http.Request, err error) {
	if d := c.find(r.Context()); d != nil {
		d.failed.Store(true)
	}
	c.errorFunc(w, r, err)
}
