package mysql_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

func TestOpenRefusesURLWithoutTellingIt(t *testing.T) {
	for _, url := range []string{
		"",
		"127.0.0.1:3306",
		"http://user:" + password + "@127.0.0.1/db",
		"mysql:user:" + password + "@127.0.0.1/db",
		"mysql://user:" + password + "@/db",
		"mysql://user:" + password + "/@127.0.0.1:3306/db",
		"mysql://user:%" + password + "@127.0.0.1/db",
		"mysql://user:" + password + "@127.0.0.1:port/db",
		"mysql://user:" + password + "@127.0.0.1/db/more",
		"mysql://user:" + password + "@127.0.0.1/db#more",
		"mysql://127.0.0.1/db?maxConns=" + password,
		"mysql://127.0.0.1/db?maxConns=0",
		"mysql://127.0.0.1/db?timeout=" + password,
		"mysql://127.0.0.1/db?timeout=-1s",
		"mysql://127.0.0.1/db?tls=" + password,
		"mysql://127.0.0.1/db?tlsCA=/none/" + password,
		"mysql://127.0.0.1/db?%zz",
		"\x00" + password,
	} {
		p, err := mysqlprovider.Open(url)
		if err == nil || p != nil {
			t.Errorf("%q: got no error", url)
			continue
		}
		if !strings.HasPrefix(err.Error(), "mysql: ") || strings.Contains(err.Error(), password) {
			t.Errorf("%q: got error %q", url, err)
		}
	}
}

func TestOpenDoesNoIO(t *testing.T) {
	p := openURL(t, "mysql://"+testserver.FreeAddr(t)+"/db")
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseOfNewDoesNothing(t *testing.T) {
	p, db, _ := store(t)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := db.PingContext(t.Context()); err != nil {
		t.Error(err)
	}
}

// The URL may set user, password, database and variables, but none of the parameters that
// Open needs.
func TestOpenTakesSettingsFromURL(t *testing.T) {
	_, admin, table := store(t)
	const hard = `p:a/s?s@w#o%r"d'`
	cfg := user(t, admin, "SELECT, INSERT, UPDATE, DELETE ON *.*")
	run(t, admin, "ALTER USER "+cfg.User+" IDENTIFIED BY '"+strings.ReplaceAll(hard, "'", "''")+"'")
	url := "mariadb://" + cfg.User + ":p%3Aa%2Fs%3Fs%40w%23o%25r%22d%27@" + cfg.Addr + "/" + cfg.DBName
	for name, parameters := range map[string]string{
		"none":       "",
		"of the URL": "?maxConns=2&timeout=1m",
		"variables":  "?innodb_lock_wait_timeout=7&time_zone=%27%2B01%3A00%27",
		"unwanted":   "?multiStatements=true&allowAllFiles=true&clientFoundRows=false&interpolateParams=false",
		"compressed": "?compress=true&charset=latin1&tls=preferred",
	} {
		t.Run(name, func(t *testing.T) {
			p := openURL(t, url+parameters, mysqlprovider.Table(table))
			rec := storetest.NewRecord()
			storetest.Save(t, p, rec, 0, nil)
			storetest.Save(t, p, rec, rec.Version, nil)
			storetest.WantRecord(t, p, rec)
		})
	}
}

func TestOpenSetsWhatItNeeds(t *testing.T) {
	cfg, maxConns, err := mysqlprovider.Parse("mysql://[::1]/db?multiStatements=true&allowAllFiles=true&clientFoundRows=false&interpolateParams=false&maxConns=7&lock_wait_timeout=9")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.MultiStatements || cfg.AllowAllFiles || !cfg.ClientFoundRows || !cfg.InterpolateParams {
		t.Errorf("got %+v", cfg)
	}
	if cfg.Addr != "[::1]:3306" || maxConns != 7 || cfg.Params["lock_wait_timeout"] != "9" || cfg.Params["innodb_lock_wait_timeout"] != "1" {
		t.Errorf("got address %s, %d connections and variables %v", cfg.Addr, maxConns, cfg.Params)
	}
	if cfg, _, err = mysqlprovider.Parse("mysql://user@localhost/db?socket=/run/mysqld.sock"); err != nil || cfg.Net != "unix" || cfg.Addr != "/run/mysqld.sock" {
		t.Errorf("with a socket: got %+v and error %v", cfg, err)
	}
}

// A parameter that nobody knows is refused by the server.
func TestOpenOfUnknownParameter(t *testing.T) {
	p := openURL(t, testserver.SharedMariaDB(t)+"?no_such_variable=1")
	says(t, p.Save(t.Context(), storetest.NewRecord(), 0), "a parameter of the URL")
}

// A server that accepts a connection and says nothing is given up after the timeout,
// not at the deadline of the call.
func TestOpenLimitsLogin(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := openURL(t, "mysql://"+l.Addr().String()+"/db?timeout=50ms")
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	err = p.Save(ctx, storetest.NewRecord(), 0)
	isOutcome(t, "Save", err, notSaved)
	if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want one about the login", err)
	}
}

func TestOpenByTLS(t *testing.T) {
	ca, certificate, key := certificates(t)
	server := testserver.MariaDB(t, "--ssl-cert="+certificate, "--ssl-key="+key, "--ssl-ca="+ca)
	admin := open(t, parse(t, server.URL))
	if err := mysqlprovider.New(admin).CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg := userOf(t, admin, parse(t, server.URL), "ALL ON *.*")
	run(t, admin, "ALTER USER "+cfg.User+" REQUIRE SSL")
	url := "mysql://" + cfg.User + ":" + password + "@" + cfg.Addr + "/" + cfg.DBName
	for parameter, ok := range map[string]bool{
		"?tlsCA=" + ca:                    true,
		"?tls=true&tlsCA=" + ca:           true,
		"?tls=skip-verify":                true,
		"?tls=preferred":                  true,
		"?tls=true":                       false, // nobody knows who has signed the certificate
		"":                                false,
		"?tls=false":                      false,
		"?tlsCA=" + otherAuthority(t, ca): false,
	} {
		err := openURL(t, url+parameter).Save(t.Context(), storetest.NewRecord(), 0)
		if ok != (err == nil) {
			t.Errorf("%q: got error %v", strings.ReplaceAll(parameter, ca, "CA"), err)
		}
		if !ok && !errors.Is(err, provider.ErrNotSaved) {
			t.Errorf("%q: got error %v, want ErrNotSaved", parameter, err)
		}
	}
}

// certificates returns files with a certificate for 127.0.0.1, which has signed itself,
// and its key. The server reads them as another user.
func certificates(t *testing.T) (ca, certificate, key string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "mysql-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	certificate = write("cert.pem", "CERTIFICATE", der)
	return certificate, certificate, write("key.pem", "PRIVATE KEY", keyDER)
}

// otherAuthority returns a file with a certificate that has not signed the server's.
func otherAuthority(t *testing.T, ca string) string {
	t.Helper()
	other, _, _ := certificates(t)
	if other == ca {
		t.Fatal("the same file")
	}
	return other
}
