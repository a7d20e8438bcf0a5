package gorillaholdfast

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/sessions"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session"
)

const (
	defaultMaxAge    = 30 * 24 * 60 * 60 // seconds; that of gorilla's stores
	defaultMaxLength = 4096              // bytes; that of gorilla's FilesystemStore
	defaultMaxSize   = 64 << 10          // bytes; that of session.Config
	maxPersist       = 400 * 24 * time.Hour
	maxManagers      = 256
)

// Store is a [sessions.Store] that keeps sessions in a provider of Holdfast. Make it with
// NewStore. It is safe for concurrent use once it is configured.
type Store struct {
	// Options are the defaults of every session: New copies them. NewStore sets Path to "/",
	// MaxAge to 30 days, Secure, HttpOnly and SameSite=Lax. An app that serves plain HTTP on
	// another host than localhost sets Secure to false.
	Options *sessions.Options

	provider         provider.Provider
	cfg              session.Config
	old              sessions.Store // of Import; nil: none
	allLastWriteWins bool
	lastWriteWins    map[string]bool // names of keys
	flashes          map[string]bool // names of keys
	states           states

	mu        sync.Mutex
	maxLength int
	managers  map[string]*session.Manager // by the name of the cookie, which is signed
}

var _ sessions.Store = (*Store)(nil)

// NewStore returns a Store that keeps its sessions in p. It does no I/O. It panics if p is
// nil or an Option is not valid, and says why.
func NewStore(p provider.Provider, opts ...Option) *Store {
	s := &Store{
		Options: &sessions.Options{
			Path:     "/",
			MaxAge:   defaultMaxAge,
			Secure:   true,
			HttpOnly: true,
			SameSite: http.SameSiteLaxMode,
		},
		provider:      p,
		lastWriteWins: map[string]bool{},
		flashes:       map[string]bool{defaultFlashKey: true},
		maxLength:     defaultMaxLength,
		managers:      map[string]*session.Manager{},
	}
	for _, opt := range opts {
		opt(s)
	}
	if s.cfg.RotateInterval != 0 {
		panic("gorillaholdfast: NewStore: Config.RotateInterval must be zero: a request that only reads calls no Save, which would send the new cookie")
	}
	if s.cfg.Logger == nil {
		s.cfg.Logger = slog.Default()
	}
	s.cfg.Codec = Codec()
	s.cfg.Header, s.cfg.HeaderOnly = "", false
	s.cfg.PersistLifetime = cmp.Or(s.cfg.PersistLifetime, maxPersist)
	if _, err := s.Manager("session"); err != nil {
		panic(fmt.Sprintf("gorillaholdfast: NewStore: %v", err))
	}
	return s
}

// Get returns the request's session of that name, the same one at every call. A new
// session has IsNew set. It never returns a nil session, except for a name that gorilla's
// registry refuses because no cookie can have it.
//
// The error beside a new session is a [securecookie.MultiError] if the request came with
// a forged cookie, as with sessions.CookieStore. It is session.ErrUnavailable or
// session.ErrUnreadable if the store failed: then Save returns it, too, because it would
// replace a session that may be alive. The cookie of a session that has ended is no
// error.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New returns the session of that name without adding it to the registry: like Get, but
// each call reads the store. Use it to begin again after a Save that has failed.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	gs := sessions.NewSession(s, name)
	gs.Options = s.options()
	gs.IsNew = true
	st := s.load(r, name)
	if st.values != nil {
		gs.Values, st.values = st.values, nil
	}
	gs.ID, gs.IsNew = st.id, !st.found
	s.states.put(gs, st)
	return gs, cmp.Or(st.err, st.forged)
}

// Save stores what has changed in gs.Values since it was loaded, and sends the cookie if
// the browser has to be told. See the documentation of the package for what the fields of
// gs mean, and for the errors. Call it before the response is written.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, gs *sessions.Session) error {
	if gs.Options == nil {
		gs.Options = s.options()
	}
	st := s.states.get(gs)
	if st == nil || st.store != s {
		st = s.adopt(r, gs)
		s.states.put(gs, st)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.save(r, w, gs)
}

// MaxAge sets Options.MaxAge, in seconds.
func (s *Store) MaxAge(age int) { s.Options.MaxAge = age }

// MaxLength sets the maximum size of a session's values in bytes, as they are encoded. A
// larger one fails with session.ErrTooLarge. The default is 4096, and 0 means no limit
// but that of the provider. A WithConfig with a MaxSize is a limit as well.
func (s *Store) MaxLength(l int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxLength = l
	clear(s.managers)
}

// Manager returns the Manager of the sessions of that name, for what gorilla's interface
// does not have: Sessions, Revoke, RevokeAll and Update. It serves no requests itself: its
// Config.Cookie is not what the browser gets.
func (s *Store) Manager(name string) (*session.Manager, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cookie := cookieName(name)
	if m := s.managers[cookie]; m != nil {
		return m, nil
	}
	cfg := s.cfg
	secure, _, _ := prefixed(cookie)
	cfg.Cookie = session.Cookie{Name: cookie, Insecure: !secure}
	switch {
	case cfg.MaxSize != 0:
	case s.maxLength == 0:
		cfg.MaxSize = math.MaxInt
	default:
		cfg.MaxSize = max(defaultMaxSize, 2*s.maxLength)
	}
	m, err := session.New(s.provider, cfg)
	if err != nil {
		return nil, err
	}
	if len(s.managers) >= maxManagers { // the names come from requests
		clear(s.managers)
	}
	s.managers[cookie] = m
	return m, nil
}

// Session returns the session of package session behind gs, which Get or New has
// returned. Its changes, such as SetOwner, are stored by the next Save of gs. It returns
// nil if gs is another store's, or could not be loaded.
func (s *Store) Session(gs *sessions.Session) *session.Session {
	st := s.states.get(gs)
	if st == nil || st.store != s {
		return nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.s
}

func (s *Store) options() *sessions.Options {
	if s.Options == nil {
		return &sessions.Options{Path: "/", MaxAge: defaultMaxAge, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	}
	o := *s.Options
	return &o
}

// tooLarge returns an error if values of that size are over MaxLength.
func (s *Store) tooLarge(size int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.maxLength == 0 || size <= s.maxLength {
		return nil
	}
	return fmt.Errorf("%w: %d bytes, over the %d of Store.MaxLength", session.ErrTooLarge, size, s.maxLength)
}

// mayBeLost reports whether changes of a key may be lost.
func (s *Store) mayBeLost(name string) bool { return s.allLastWriteWins || s.lastWriteWins[name] }
