package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	defaultPort    = "3306"
	connectTimeout = 5 * time.Second
	maxIdleTime    = 3 * time.Minute // shorter than what firewalls and proxies allow
)

var (
	errURL = errors.New("mysql: the URL or a parameter in it is not valid; the form is mysql://user:password@host:port/database, with special characters percent-encoded")
	errCA  = errors.New("mysql: the file that tlsCA names cannot be read, or has no certificate in PEM format")
)

// Open returns a provider that keeps its records in a database of MySQL or MariaDB, given
// by a URL:
//
//	mysql://user:password@host:3306/database
//	mariadb://user:password@host:3306/database
//
// The connections are set up as the package's documentation recommends. Parameters after
// a "?" may set:
//
//	tls=true           by TLS, with the host's certificate verified; see also "preferred"
//	                   and "skip-verify" of the driver
//	tlsCA=/path.pem    by TLS, with a certificate signed by one in that file
//	socket=/path       a Unix socket; the host in the URL does not count then
//	maxConns=32        the most connections; the default is 16, or 4 times GOMAXPROCS
//	timeout=5s         the time for a new connection, including the login
//
// Other parameters are the driver's, or set variables of the server's session, such as
// innodb_lock_wait_timeout. Some of the driver's cannot be set: multiStatements and
// allowAllFiles stay off, clientFoundRows and interpolateParams stay on.
//
// Open returns an error if the URL is not valid. It does no I/O, except that it reads the
// file of tlsCA: an unreachable server is reported by the first call. Close the provider
// when it is no longer used.
func Open(url string, opts ...Option) (*Provider, error) {
	cfg, maxConns, err := parse(url)
	if err != nil {
		return nil, err
	}
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errURL // err may quote the URL, and so the password
	}
	db := sql.OpenDB(&connector{inner, cfg.Timeout})
	db.SetMaxOpenConns(maxConns)
	db.SetMaxIdleConns(maxConns)
	db.SetConnMaxIdleTime(maxIdleTime)
	p := New(db, opts...)
	p.close = db.Close
	return p, nil
}

// parse returns the configuration that a URL stands for.
func parse(raw string) (cfg *mysql.Config, maxConns int, err error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "mysql" && u.Scheme != "mariadb" || u.Opaque != "" || u.Fragment != "" {
		return nil, 0, errURL
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, 0, errURL
	}
	socket, ca := take(query, "socket"), take(query, "tlsCA")
	maxConns = max(16, 4*runtime.GOMAXPROCS(0))
	if n := take(query, "maxConns"); n != "" {
		if maxConns, err = strconv.Atoi(n); err != nil || maxConns < 1 {
			return nil, 0, errURL
		}
	}
	cfg, err = mysql.ParseDSN("/?" + query.Encode())
	if err != nil || cfg.Timeout < 0 {
		return nil, 0, errURL
	}
	if err := address(cfg, u, socket); err != nil {
		return nil, 0, err
	}
	if ca != "" {
		if cfg.TLS, err = trusting(ca, u.Hostname()); err != nil {
			return nil, 0, err
		}
	}
	setUp(cfg)
	return cfg, maxConns, nil
}

// take removes a parameter and returns its value.
func take(query url.Values, name string) string {
	value := query.Get(name)
	query.Del(name)
	return value
}

// address sets what the URL has before its parameters.
func address(cfg *mysql.Config, u *url.URL, socket string) error {
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	if strings.Contains(cfg.DBName, "/") {
		return errURL
	}
	switch port := u.Port(); {
	case socket != "":
		cfg.Net, cfg.Addr = "unix", socket
	case u.Hostname() == "":
		return errURL
	case port == "":
		cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(u.Hostname(), defaultPort)
	default:
		cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(u.Hostname(), port)
	}
	return nil
}

// trusting returns a configuration of TLS that trusts the certificates in a file.
func trusting(path, host string) (*tls.Config, error) {
	pem, err := os.ReadFile(path)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		return nil, errCA
	}
	return &tls.Config{RootCAs: pool, ServerName: host}, nil
}

// setUp sets the parameters that the provider needs, or that the URL has not set.
func setUp(cfg *mysql.Config) {
	cfg.Logger = &mysql.NopLogger{} // it would log connections that the server has closed
	cfg.ClientFoundRows = true
	cfg.InterpolateParams = true
	cfg.MultiStatements = false
	cfg.AllowAllFiles = false
	if cfg.Timeout == 0 {
		cfg.Timeout = connectTimeout
	}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	// A statement whose caller has given up waits for locks no longer than these seconds.
	for _, name := range []string{"innodb_lock_wait_timeout", "lock_wait_timeout"} {
		if _, set := cfg.Params[name]; !set {
			cfg.Params[name] = "1"
		}
	}
}

// A connector limits the time for a new connection, of which the driver limits only a
// part. database/sql makes some connections without a caller's deadline.
type connector struct {
	driver.Connector
	timeout time.Duration
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	conn, err := c.Connector.Connect(within)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return nil, fmt.Errorf("no connection within %v: %w", c.timeout, os.ErrDeadlineExceeded)
	}
	return conn, err
}
