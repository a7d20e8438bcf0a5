package session

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/session/internal/binding"
	"github.com/holdfast-go/holdfast/session/internal/broadcast"
	"github.com/holdfast-go/holdfast/session/internal/keyring"
	"github.com/holdfast-go/holdfast/session/internal/owners"
	"github.com/holdfast-go/holdfast/session/internal/readcache"
	"github.com/holdfast-go/holdfast/session/internal/records"
	"github.com/holdfast-go/holdfast/session/internal/token"
	"github.com/holdfast-go/holdfast/session/internal/txn"
	"github.com/holdfast-go/holdfast/session/internal/watch"
)

// Manager gives each visitor a session in the handlers that it wraps. It needs no closing:
// it has goroutines only while a session is watched ([Session.Watch]), while copies are in
// use ([ReadCache]), while a request waits for another instance ([Key.Refresh]), and while
// other instances are told that a session has ended or a lease was released. One call of
// provider.Listen at a time serves all of these. It is safe for concurrent use. [New] makes
// a Manager; the zero Manager panics.
type Manager struct {
	cfg      Config
	provider provider.Provider // for tools; requests use records
	codecs   map[string]Codec  // by the Format of records
	signer   *token.Signer
	ring     *keyring.Ring // nil: Config.SigningKeys alone are used
	records  *records.Store
	owners   *owners.Index
	engine   txn.Engine
	binder   *binding.Binder   // nil: Config.DeviceBinding is off
	cache    *readcache.Cache  // nil: Config.ReadCache is off
	sender   *broadcast.Sender // nil: the provider is no provider.Broadcaster
	listener *broadcast.Listener
	watches  *watch.Hub
	missed   missed // expired sessions that requests have found

	decodable sync.Map // types of which Config.Codec, if not built in, has decoded a value

	// What is logged once an hour.
	warnedOfVanished hourly // a session that the store has lost
	warnedOfClock    hourly // a session that was used later than now

	// What is logged once.
	warnedOfPlainHTTP atomic.Bool // a Secure cookie that is about to be lost
	warnedOfNesting   atomic.Bool // another Manager's cookie of the same name
	warnedOfHeaders   atomic.Bool // another Manager's header of the same name
	warnedOfRivals    atomic.Bool // a request with the cookies of several live sessions
	warnedOfMany      atomic.Bool // a request with more cookies of the name than are looked at
	warnedOfOtherSite atomic.Bool // a session that a page of another site has begun
	warnedOfBypass    atomic.Bool // a handler that answers through another ResponseWriter
}

// New returns a Manager that keeps its sessions in p. It does no I/O. The error lists
// every mistake in cfg.
func New(p provider.Provider, cfg Config) (*Manager, error) {
	cfg = cfg.withDefaults()
	err := cfg.validate()
	if p == nil {
		err = errors.Join(errors.New("session: New needs a provider; memory.New() is the simplest"), err)
	}
	if err != nil {
		return nil, err
	}
	m := &Manager{cfg: cfg, provider: p, codecs: map[string]Codec{}}
	for _, codec := range []Codec{CBOR(), JSON(), cfg.Codec} {
		m.codecs[codec.Name()] = codec
	}
	stored := records.Options{Timeout: cfg.StoreTimeout, KnowsFormat: m.knowsFormat, Ended: m.ended, Observer: observer(cfg.Observer)}
	m.broadcastIn(p)
	if m.cache = newReadCache(&cfg, m.listener); m.cache != nil {
		stored.Cache = m.cache
	}
	m.records = records.New(p, stored)
	if m.records.InProcess() {
		m.cache = nil
	}
	m.signer = token.NewSigner(m.signing(cfg))
	m.engine = txn.Engine{
		Records: m.records,
		Lifetimes: records.Lifetimes{
			IdleTimeout: cfg.IdleTimeout, Lifetime: cfg.Lifetime,
			PersistIdleTimeout: cfg.PersistIdleTimeout, PersistLifetime: cfg.PersistLifetime,
			TouchInterval: cfg.TouchInterval,
		},
		Isolation: txn.Isolation(cfg.Isolation),
		MaxSize:   cfg.MaxSize,
		Timeout:   cfg.StoreTimeout,
		Format:    cfg.Codec.Name(),
		NewToken:  m.signer.NewSession,
		Logger:    cfg.Logger,
		Observer:  observer(cfg.Observer),
		Releases:  m.releases(),
	}
	if m.engine.Epochs = m.newEpochs(); m.engine.Epochs != nil {
		m.engine.Lifetimes.Epoch = m.engine.Epochs.Known
	}
	m.owners = owners.New(m.records, owners.Options{
		ID:        func(l records.Label) string { return labelRecordID(cfg.Namespace, l) },
		Limit:     cfg.OwnerLimit,
		Refuses:   cfg.OwnerLimitRefuses,
		Lifetimes: &m.engine.Lifetimes,
		Logger:    cfg.Logger,
		Observer:  m.engine.Observer,
	})
	m.engine.Owners = m.owners
	m.engine.Rotation = cfg.rotationPolicy()
	m.bindDevices()
	m.observeExpired(p)
	return m, nil
}

// signing returns the options for the signer. It makes the ring, if one is used.
func (m *Manager) signing(cfg Config) token.Options {
	o := token.Options{
		CookieName: cfg.Cookie.Name,
		Namespace:  cfg.Namespace,
		Keys:       cfg.SigningKeys,
		RingSigns:  cfg.KeyRing == KeyRingSigns || len(cfg.SigningKeys) == 0,
	}
	if len(cfg.SigningKeys) == 0 || cfg.KeyRing != KeyRingAuto {
		m.ring = keyring.New(m.records, keyring.Options{
			ID:        token.RecordID("key ring", cfg.Namespace, nil),
			Rotation:  cfg.SigningKeyRotation,
			Retention: max(cfg.Lifetime, cfg.PersistLifetime),
			Logger:    cfg.Logger,
			Observer:  observer(cfg.Observer),
		})
		o.Ring = m.ring
	}
	return o
}

// check panics unless New has made m.
func (m *Manager) check() {
	if m == nil || m.records == nil {
		panic("session: use of a Manager that New has not made; look at the error of New")
	}
}

// Load returns the session of the request that ctx belongs to, from the innermost Manager
// that handles the request. See [Manager.Load].
func Load(ctx context.Context) (*Session, error) { return load(ctx, nil) }

// Load returns the session of the request that ctx belongs to. The first call in a
// request reads the store, unless the visitor has no session yet; later calls return the
// same Session. The error is ErrNoHandler, ErrUnavailable or ErrUnreadable.
func (m *Manager) Load(ctx context.Context) (*Session, error) {
	m.check()
	return load(ctx, m)
}

func load(ctx context.Context, m *Manager) (*Session, error) {
	p := requestStateOf(ctx, m)
	if p == nil {
		return nil, ErrNoHandler
	}
	return p.load(ctx)
}

// ClearCookie clears the visitor's session cookie. It is for an ErrorHandler that meets
// ErrUnreadable: the visitor begins with a new session at the next request, and the
// record stays in the store for inspection. If r came with several cookies of the name,
// ClearCookie clears them in the same scopes as Session.Destroy. If r came with
// Config.Header, the response gets that header without a token.
func (m *Manager) ClearCookie(w http.ResponseWriter, r *http.Request) {
	m.check()
	p := &requestState{issuer: issuer{m: m}, request: r}
	p.takeTokens(nil)
	p.put(w.Header(), &Token{Changed: true})
}
