package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
)

// Manager gives the handlers it wraps their visitors' sessions. It has no
// goroutine and needs no closing. It is safe for concurrent use.
type Manager struct {
	store   provider.Provider
	local   bool // the store is in this process: it shares its memory, and answers at once
	cfg     Config
	codecs  map[string]Codec // by the Format of records
	cookies cookies

	givenBack sync.Map  // types of which Config.Codec, if not built in, has given a value back
	deadlines deadlines // of the calls to the store
	begun     *begun
	touching  sync.Map    // IDs of the records that are being touched
	warned    atomic.Bool // of a Secure cookie that is about to be lost
	clashed   atomic.Bool // warned of another Manager's cookie of the same name
	rivalled  atomic.Bool // warned of a request with the cookies of several live sessions
	flooded   atomic.Bool // warned of a request with more cookies of the name than are looked at
	crossed   atomic.Bool // warned of a session that a page of another site has begun
	bypassed  atomic.Bool // warned of a handler that answers by another ResponseWriter
}

// New returns a Manager that keeps its sessions in p. It does no I/O. The error
// names every mistake of cfg.
func New(p provider.Provider, cfg Config) (*Manager, error) {
	cfg = cfg.withDefaults()
	err := cfg.validate()
	if p == nil {
		err = errors.Join(errors.New("session: New needs a provider; memory.New() is the simplest"), err)
	}
	if err != nil {
		return nil, err
	}
	m := &Manager{store: p, cfg: cfg, codecs: map[string]Codec{}, begun: newBegun()}
	if shared := share(p); shared != nil {
		m.store, m.local = shared, true
	}
	for _, codec := range []Codec{CBOR(), JSON(), ownerIndexCodec{}, cfg.Codec} {
		m.codecs[codec.Name()] = codec
	}
	m.cookies.Cookie, m.cookies.namespace = cfg.Cookie, cfg.Namespace
	m.cookies.ringSigns = cfg.KeyRing == KeyRingSigns || len(cfg.SigningKeys) == 0
	if len(cfg.SigningKeys) > 0 {
		m.cookies.fixed = newKeyset(nil, cfg.SigningKeys)
	}
	if len(cfg.SigningKeys) == 0 || cfg.KeyRing != KeyRingAuto {
		m.cookies.ring = keyring.New(p, keyring.Options{
			ID:        recordID("key ring", cfg.Namespace, nil),
			Rotation:  cfg.SigningKeyRotation,
			Retention: max(cfg.Lifetime, cfg.PersistLifetime),
			Timeout:   cfg.StoreTimeout,
			Logger:    cfg.Logger,
		})
	}
	return m, nil
}

// share returns the view of p, if it keeps its records in this process, that copies
// nothing for who never writes to their Data. See package provider/memory.
func share(p provider.Provider) provider.Provider {
	sharer, ok := p.(interface {
		Shared(whole provider.Provider) provider.Provider
	})
	if !ok {
		return nil
	}
	return sharer.Shared(p)
}

// Load returns the session of the request that ctx belongs to, of the innermost
// Manager it came through. See [Manager.Load].
func Load(ctx context.Context) (*Session, error) { return load(ctx, nil) }

// Load returns the session of the request that ctx belongs to. The first call
// of a request reads the store, or nothing if the visitor has no session yet;
// the others return the same Session. It fails with ErrNoHandler,
// ErrUnavailable or ErrUnreadable.
func (m *Manager) Load(ctx context.Context) (*Session, error) {
	m.check()
	return load(ctx, m)
}

func load(ctx context.Context, m *Manager) (*Session, error) {
	p := passageOf(ctx, m)
	if p == nil {
		return nil, ErrNoHandler
	}
	return p.load(ctx)
}

// ClearCookie clears the visitor's session cookie. It is for an ErrorHandler that
// meets ErrUnreadable: the visitor starts anew at the next request, and the
// record stays for those who look into it. If r came with several cookies of the
// name, it clears them wherever Destroy would.
func (m *Manager) ClearCookie(w http.ResponseWriter, r *http.Request) {
	m.check()
	p := &passage{m: m, request: r}
	cookie := m.cfg.Cookie.expired()
	put(w.Header(), cookie, p.elsewhere(cookie))
}

// fetch reads the content of a record, nil if there is none.
func (m *Manager) fetch(ctx context.Context, id string) (*content, error) {
	rec, err := m.store.Fetch(ctx, id)
	switch {
	case errors.Is(err, provider.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, unavailable(err)
	}
	return m.decode(id, rec)
}

// freshContent returns the content of a session that is not stored.
func (m *Manager) freshContent() *content {
	now := now()
	c := &content{codec: m.cfg.Codec}
	c.Created, c.Started = now, now
	return c
}

// now returns the time to the millisecond, as records keep it.
func now() time.Time { return time.UnixMilli(time.Now().UnixMilli()) }
