package nats

import (
	"context"
	"regexp"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/internal/outcome"
)

// Provider implements provider.Provider. Make one with New or Open; the zero Provider
// cannot be used. It is safe for concurrent use.
type Provider struct {
	js       jetstream.JetStream
	conn     *natsclient.Conn
	bucket   string
	replicas int // 0: that of the bucket, or 1 if CreateBucket makes it
	close    func()
	failure  *failure // of the connection that Open has made; nil: of another

	probeTimeout time.Duration // how long a Listen waits for the message to itself
}

var _ provider.Provider = (*Provider)(nil)

// Option configures a Provider in New or Open.
type Option func(*Provider)

const defaultBucket = "holdfast"

// Bucket sets the name of the bucket. The default is "holdfast". Bucket panics if the name
// is empty or has characters other than letters, digits, "_" and "-".
func Bucket(name string) Option {
	if !validBucket(name) {
		panic("nats: the name of a bucket has letters, digits, _ and - only")
	}
	return func(p *Provider) { p.bucket = name }
}

var bucketName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,200}$`)

func validBucket(name string) bool { return bucketName.MatchString(name) }

// Replicas sets how many servers keep the bucket, 1, 3 or 5. CreateBucket returns an error
// if the bucket exists with another number. The default is the number that the bucket
// has, and 1 for a new one. Replicas panics if n is another number.
func Replicas(n int) Option {
	if !validReplicas(n) {
		panic("nats: Replicas takes 1, 3 or 5")
	}
	return func(p *Provider) { p.replicas = n }
}

func validReplicas(n int) bool { return n == 1 || n == 3 || n == 5 }

// New returns a provider that keeps its records in a bucket of js. It does no I/O; see
// CreateBucket for the bucket. The package's documentation says how to set up the
// connection. New panics if js has a domain or an API prefix, which are not supported.
func New(js jetstream.JetStream, opts ...Option) *Provider {
	if o := js.Options(); o.Domain != "" || o.APIPrefix != "" {
		panic("nats: New takes a JetStream without a domain and without an API prefix")
	}
	p := &Provider{js: js, conn: js.Conn(), bucket: defaultBucket, probeTimeout: callTimeout}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// Close closes the connection of a provider that Open has returned. If New has returned
// it, the connection is the caller's, and Close does nothing.
func (p *Provider) Close() error {
	if p.close != nil {
		p.close()
	}
	return nil
}

// Fetch implements provider.Provider. The leader of the bucket answers.
func (p *Provider) Fetch(ctx context.Context, id string) (*provider.Record, error) {
	if err := outcome.Check(ctx, "nats", provider.ValidateID(id)); err != nil {
		return nil, err
	}
	found, err := p.read(ctx, p.subject(id))
	if err != nil {
		return nil, err
	}
	rec, err := found.live(id, time.Now())
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, errNotFound
	}
	return rec, nil
}

// Save implements provider.Provider. A conflict is a *provider.ConflictError.
func (p *Provider) Save(ctx context.Context, rec *provider.Record, expectVersion int64) error {
	if err := outcome.Check(ctx, "nats", rec.Validate(expectVersion)); err != nil {
		return err
	}
	switch {
	case expectVersion < 0:
		return p.publish(ctx, p.message(rec, time.Now()))
	case expectVersion == 0:
		return p.create(ctx, rec)
	default:
		return p.swap(ctx, rec, expectVersion)
	}
}

// Delete implements provider.Provider. It leaves a marker for a minute.
func (p *Provider) Delete(ctx context.Context, id string) error {
	if err := outcome.Check(ctx, "nats", provider.ValidateID(id)); err != nil {
		return err
	}
	return p.publish(ctx, p.marker(id))
}
