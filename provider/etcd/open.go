package etcd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

var errURL = errors.New("etcd: the URL or a parameter in it is not valid; the form is etcd://user:password@host:port,host:port?prefix=holdfast/, or etcds:// by TLS with the parameters ca, cert and key, with special characters percent-encoded")

// Open returns a provider that keeps its records in a cluster, given by a URL with some
// or all of its members:
//
//	etcd://user:password@host:2379,host:2379?prefix=holdfast/
//	etcds://host:2379?ca=/path/ca.pem&cert=/path/client.pem&key=/path/client-key.pem    by TLS
//
// All parameters may be omitted. prefix is that of [Prefix]; an option in opts takes
// precedence. ca is a file of the certificates to trust instead of the system's; cert and
// key are the files of the client's certificate.
//
// The client is set up as the package's documentation recommends. Open returns an error
// if the URL is not valid or a file of it cannot be read. It does no other I/O: an
// unreachable server is reported by the first call. Close the provider when it is no
// longer used.
func Open(url string, opts ...Option) (*Provider, error) {
	t, err := parse(url)
	if err != nil {
		return nil, err
	}
	client, err := t.dial()
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	p := New(client, append([]Option{Prefix(t.prefix)}, opts...)...)
	p.close = client.Close
	return p, nil
}

// target is what a URL says.
type target struct {
	endpoints      []string
	user, password string
	prefix         string
	tls            *tls.Config
}

// parse reads a URL. Package net/url accepts a single host only.
func parse(text string) (*target, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	rest, query, _ := strings.Cut(rest, "?")
	credentials, hosts := "", strings.TrimSuffix(rest, "/")
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		credentials, hosts = hosts[:i+1], hosts[i+1:]
	}
	t := &target{prefix: defaultPrefix}
	if err := errors.Join(t.setHosts(scheme, hosts), t.setUser(credentials)); err != nil {
		return nil, errURL
	}
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return nil, errURL
	}
	return t, t.setParameters(scheme, parameters)
}

func (t *target) setHosts(scheme, hosts string) error {
	protocol, ok := map[string]string{"etcd": "http", "etcds": "https"}[scheme]
	if !ok {
		return errURL
	}
	for host := range strings.SplitSeq(hosts, ",") {
		u, err := url.Parse(protocol + "://" + host)
		if err != nil || u.Host != host || u.Hostname() == "" {
			return errURL
		}
		if u.Port() == "" {
			host = net.JoinHostPort(u.Hostname(), "2379")
		}
		t.endpoints = append(t.endpoints, protocol+"://"+host)
	}
	return nil
}

// setUser takes "user:password@". etcd takes no user without a password.
func (t *target) setUser(credentials string) error {
	if credentials == "" {
		return nil
	}
	u, err := url.Parse("etcd://" + credentials + "host")
	if err != nil {
		return errURL
	}
	t.user = u.User.Username()
	t.password, _ = u.User.Password()
	if t.user == "" || t.password == "" {
		return errURL
	}
	return nil
}

func (t *target) setParameters(scheme string, parameters url.Values) error {
	for name, values := range parameters {
		if len(values) != 1 || !slices.Contains([]string{"prefix", "ca", "cert", "key"}, name) {
			return errURL
		}
	}
	if parameters.Has("prefix") {
		t.prefix = parameters.Get("prefix")
	}
	ca, cert, key := parameters.Get("ca"), parameters.Get("cert"), parameters.Get("key")
	if scheme == "etcd" {
		if ca+cert+key != "" {
			return errURL
		}
		return nil
	}
	t.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	return errors.Join(t.setRoots(ca), t.setCertificate(cert, key))
}

func (t *target) setRoots(file string) error {
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("etcd: the file of the parameter ca: %w", err)
	}
	t.tls.RootCAs = x509.NewCertPool()
	if !t.tls.RootCAs.AppendCertsFromPEM(text) {
		return errors.New("etcd: the file of the parameter ca has no certificate in PEM form")
	}
	return nil
}

func (t *target) setCertificate(cert, key string) error {
	if cert == "" && key == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("etcd: the files of the parameters cert and key: %w", err)
	}
	t.tls.Certificates = []tls.Certificate{pair}
	return nil
}

const (
	keepAliveTime    = 10 * time.Second // gRPC allows no less
	keepAliveTimeout = 3 * time.Second
	connectTimeout   = 2 * time.Second
	maxBackoff       = time.Second
	streamWindow     = 1 << 20 // bytes
	connWindow       = 4 << 20
)

func (t *target) dial() (*clientv3.Client, error) {
	options := []grpc.DialOption{
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxBackoff},
			MinConnectTimeout: connectTimeout,
		}),
		// With windows of a fixed size gRPC does not send a ping with each answer, by which it
		// would find the best size.
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connWindow),
	}
	if t.user != "" {
		l := newLogin(t.user, t.password)
		options = append(options, grpc.WithPerRPCCredentials(l), grpc.WithChainUnaryInterceptor(l.intercept), grpc.WithChainStreamInterceptor(l.interceptStream))
	}
	return clientv3.New(clientv3.Config{
		Endpoints:            t.endpoints,
		TLS:                  t.tls,
		DialKeepAliveTime:    keepAliveTime,
		DialKeepAliveTimeout: keepAliveTimeout,
		DialOptions:          options,
		Logger:               zap.NewNop(),
	})
}
