package nats

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var errURL = errors.New("nats: the URL or a parameter in it is not valid; the form is nats://user:password@host:port,host:port?bucket=holdfast&replicas=3, or tls://, with the parameters creds, ca, cert and key for files, and special characters percent-encoded")

// Open returns a provider that keeps its records in a bucket of the servers of a URL:
//
//	nats://user:password@host:4222,host:4222?bucket=holdfast&replicas=3
//	tls://host:4222?creds=/path/app.creds
//	tls://host:4222?ca=/path/ca.pem&cert=/path/client.pem&key=/path/client-key.pem
//
// All parameters may be omitted. bucket and replicas are those of [Bucket] and [Replicas];
// options in opts take precedence. creds is a file of a user's credentials. ca is a file
// of the certificates to trust instead of the system's; cert and key are the files of the
// client's certificate.
//
// The connection is set up as the package's documentation recommends. Open tries each
// server once. If none can be reached, it returns no error: the connection is made in the
// background, and calls fail until then. Open returns an error if the URL is not valid or
// a file of it cannot be read. It does not create the bucket. Close the provider when it
// is no longer used.
func Open(url string, opts ...Option) (*Provider, error) {
	t, err := parse(url)
	if err != nil {
		return nil, err
	}
	failure := new(failure)
	conn, err := natsclient.Connect(strings.Join(t.servers, ","), append(connection(failure), t.options...)...)
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	p := New(js, append(t.of, opts...)...)
	p.close, p.failure = conn.Close, failure
	return p, nil
}

const (
	connectTimeout = 2 * time.Second
	reconnectWait  = 100 * time.Millisecond
	pingInterval   = 5 * time.Second
)

// connection returns the recommended options.
func connection(f *failure) []natsclient.Option {
	return []natsclient.Option{
		natsclient.Name("holdfast"),
		natsclient.Timeout(connectTimeout),
		natsclient.RetryOnFailedConnect(true),
		natsclient.MaxReconnects(-1),
		natsclient.ReconnectWait(reconnectWait),
		natsclient.ReconnectJitter(reconnectWait, reconnectWait),
		natsclient.ReconnectBufSize(-1), // or what was given up would be sent later
		natsclient.PingInterval(pingInterval),
		natsclient.MaxPingsOutstanding(2),
		natsclient.ErrorHandler(func(*natsclient.Conn, *natsclient.Subscription, error) {}), // or they are printed
		natsclient.ReconnectErrHandler(func(_ *natsclient.Conn, err error) { f.set(err) }),
	}
}

// failure is why the last attempt to connect has failed.
type failure struct {
	mu  sync.Mutex
	err error
}

func (f *failure) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (p *Provider) lastError() error {
	if p.failure == nil {
		return nil
	}
	p.failure.mu.Lock()
	defer p.failure.mu.Unlock()
	return p.failure.err
}

// target is what a URL says.
type target struct {
	servers []string
	options []natsclient.Option
	of      []Option
}

// parse reads a URL. Package net/url accepts a single host only.
func parse(text string) (*target, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	rest, query, _ := strings.Cut(rest, "?")
	credentials, hosts := "", strings.TrimSuffix(rest, "/")
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		credentials, hosts = hosts[:i+1], hosts[i+1:]
	}
	t := &target{}
	parameters, err := url.ParseQuery(query)
	if err := errors.Join(err, t.setHosts(scheme, hosts), t.setUser(credentials), t.setBucket(parameters), t.setFiles(parameters)); err != nil {
		return nil, errURL
	}
	for name, values := range parameters {
		if len(values) != 1 || !slices.Contains([]string{"bucket", "replicas", "creds", "ca", "cert", "key"}, name) {
			return nil, errURL
		}
	}
	return t, nil
}

func (t *target) setHosts(scheme, hosts string) error {
	if scheme != "nats" && scheme != "tls" {
		return errURL
	}
	for host := range strings.SplitSeq(hosts, ",") {
		u, err := url.Parse(scheme + "://" + host)
		if err != nil || u.Host != host || u.Hostname() == "" {
			return errURL
		}
		t.servers = append(t.servers, u.String())
	}
	return nil
}

// setUser takes "user:password@".
func (t *target) setUser(credentials string) error {
	if credentials == "" {
		return nil
	}
	u, err := url.Parse("nats://" + credentials + "host")
	if err != nil || u.User.Username() == "" {
		return errURL
	}
	password, ok := u.User.Password()
	if !ok {
		return errURL
	}
	t.options = append(t.options, natsclient.UserInfo(u.User.Username(), password))
	return nil
}

func (t *target) setBucket(parameters url.Values) error {
	if parameters.Has("bucket") {
		if !validBucket(parameters.Get("bucket")) {
			return errURL
		}
		t.of = append(t.of, Bucket(parameters.Get("bucket")))
	}
	if parameters.Has("replicas") {
		n, err := strconv.Atoi(parameters.Get("replicas"))
		if err != nil || !validReplicas(n) {
			return errURL
		}
		t.of = append(t.of, Replicas(n))
	}
	return nil
}

func (t *target) setFiles(parameters url.Values) error {
	if file := parameters.Get("creds"); file != "" {
		t.options = append(t.options, natsclient.UserCredentials(file))
	}
	if file := parameters.Get("ca"); file != "" {
		t.options = append(t.options, natsclient.RootCAs(file))
	}
	cert, key := parameters.Get("cert"), parameters.Get("key")
	if (cert == "") != (key == "") {
		return errURL
	}
	if cert != "" {
		t.options = append(t.options, natsclient.ClientCert(cert, key))
	}
	return nil
}
