package e2e_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// boundShop starts the example over HTTPS, where it binds sessions to their device.
func boundShop(t *testing.T) *shop {
	t.Helper()
	needChromium(t)
	pair := boundCertificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := startShop("bound.log", "-require-binding",
		"-cert", writePEM(t, "CERTIFICATE", pair.Certificate[0]), "-key", writePEM(t, "PRIVATE KEY", key))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	s.url = strings.Replace(s.url, "localhost", "shop.test", 1)
	return s
}

// writePEM writes a file with that block, and returns its name.
func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The account shows that the session is bound, and that copies of its cookies open nothing
// once the browser has refreshed them.
func TestBindingInTheShop(t *testing.T) {
	s := boundShop(t)
	p := &boundTab{newTab(t, s, theBoundChromium(t).ctx), nil}
	name := p.signUp()
	p.eventually("the bound cookie", p.hasBoundCookie)
	p.open("/account")
	p.says("#devices h3", "Chrome on Linux this device bound to its device")

	p.click("#copy-cookies")
	p.says("#stolen-all", "the account of "+name)
	p.says("#stolen-one", "nothing")
	for range 2 { // the token before the present one is good for half a minute
		p.dropBoundCookie()
		p.open("/account")
	}
	p.says("#stolen-all", "nothing")
	p.says("h1", name)
	p.signOut()
}
