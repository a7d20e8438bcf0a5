package dbsc_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/holdfast-go/holdfast/internal/dbsctest"
	"github.com/holdfast-go/holdfast/session/internal/dbsc"
)

// The paths of the endpoints.
const (
	registerPath = "/device-binding/register"
	refreshPath  = "/device-binding/refresh"
)

// vectors are proofs that a browser has signed.
type vectors struct {
	Browser      string
	Registration struct{ JWT, JTI, Authorization string }
	Refresh      struct{ JWT, JTI string }
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	data, err := os.ReadFile("testdata/chromium-156.json")
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestProofsOfChromium(t *testing.T) {
	v := readVectors(t)
	registered, key, err := dbsc.VerifyRegistration(v.Registration.JWT, registerPath)
	if err != nil || registered != v.Registration.JTI || key.Algorithm != dbsc.ES256 {
		t.Fatalf("registration: %q, algorithm %d, %v", registered, key.Algorithm, err)
	}
	refreshed, err := dbsc.VerifyRefresh(v.Refresh.JWT, refreshPath, key)
	if err != nil || refreshed != v.Refresh.JTI {
		t.Fatalf("refresh: %q, %v", refreshed, err)
	}
}

// No change of one character of a proof is accepted.
func TestChangedProofsAreRefused(t *testing.T) {
	v := readVectors(t)
	_, key, err := dbsc.VerifyRegistration(v.Registration.JWT, registerPath)
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.Refresh.JWT {
		for _, c := range []byte("A.z") {
			changed := []byte(v.Refresh.JWT)
			if changed[i] == c {
				continue
			}
			changed[i] = c
			if p, err := dbsc.VerifyRefresh(string(changed), refreshPath, key); err == nil && p != v.Refresh.JTI {
				t.Fatalf("character %d as %q: accepted as a proof of %q", i, c, p)
			} else if err != nil && !errors.Is(err, dbsc.ErrProof) {
				t.Fatalf("character %d as %q: %v", i, c, err)
			}
		}
	}
}

func TestRefusedRegistrations(t *testing.T) {
	device := dbsctest.NewDevice()
	good := device.Register("c")
	_, body, _ := strings.Cut(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"dbsc+jwt"}`))
	for name, proof := range map[string]string{
		"no key":                 device.Prove("c"),
		"the key of another":     swapHeader(good, dbsctest.NewDevice().Register("c")),
		"a weak RSA key":         dbsctest.NewRSADevice(1024).Register("c"),
		"a huge RSA key":         dbsctest.NewRSADevice(4104).Register("c"),
		"a JWT of another type":  device.Sign("JWT", true, map[string]any{"jti": "c"}),
		"no challenge":           device.Sign("dbsc+jwt", true, map[string]any{}),
		"a challenge of no text": device.Sign("dbsc+jwt", true, map[string]any{"jti": 1}),
		"alg none":               none + "." + body,
		"no signature":           good[:strings.LastIndex(good, ".")+1],
		"three parts more":       good + "." + good,
		"nothing":                "",
	} {
		if _, _, err := dbsc.VerifyRegistration(proof, registerPath); !errors.Is(err, dbsc.ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// swapHeader returns proof with the header of another.
func swapHeader(proof, other string) string {
	_, rest, _ := strings.Cut(proof, ".")
	header, _, _ := strings.Cut(other, ".")
	return header + "." + rest
}

// A program may let go-jose read larger keys.
func TestAHugeRSAKeyIsRefusedWhateverTheLibraryReads(t *testing.T) {
	defer func(bits int) { jose.MaxRSAModulusBits = bits }(jose.MaxRSAModulusBits)
	jose.MaxRSAModulusBits = 1 << 14
	if _, _, err := dbsc.VerifyRegistration(dbsctest.NewRSADevice(4104).Register("c"), registerPath); !errors.Is(err, dbsc.ErrProof) {
		t.Error(err)
	}
}

func TestRSA(t *testing.T) {
	device := dbsctest.NewRSADevice(2048)
	_, key, err := dbsc.VerifyRegistration(device.Register("c"), registerPath)
	if err != nil || key.Algorithm != dbsc.RS256 {
		t.Fatal(key.Algorithm, err)
	}
	if p, err := dbsc.VerifyRefresh(device.Prove("d"), refreshPath, key); err != nil || p != "d" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRefusedRefreshes(t *testing.T) {
	device := dbsctest.NewDevice()
	_, key, err := dbsc.VerifyRegistration(device.Register("c"), registerPath)
	if err != nil {
		t.Fatal(err)
	}
	for name, proof := range map[string]string{
		"of another key":       dbsctest.NewDevice().Prove("c"),
		"of an RSA key":        dbsctest.NewRSADevice(2048).Prove("c"),
		"with a key":           device.Register("c"),
		"with another's key":   dbsctest.NewDevice().Register("c"),
		"of a session, quoted": `"` + device.Prove("c") + `"`,
		"too long":             device.Prove(strings.Repeat("c", 10000)),
	} {
		if _, err := dbsc.VerifyRefresh(proof, refreshPath, key); !errors.Is(err, dbsc.ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A proof that names an audience names the endpoint that it was sent to. Chromium sends the
// URL as it knows it, whatever a proxy makes of the host and the path.
func TestAudience(t *testing.T) {
	device := dbsctest.NewDevice()
	_, key, err := dbsc.VerifyRegistration(device.Register("c"), registerPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		audience any
		ok       bool
	}{
		{"https://example.com" + refreshPath, true},
		{"https://example.com:8443" + refreshPath, true},
		{[]string{"https://example.com" + refreshPath}, true},
		{[]string{}, true}, // as without one
		{"https://example.com" + registerPath, false},
		{"https://example.com/other" + refreshPath, false},
		{"https://example.com", false},
		{refreshPath, false},
		{"", false},
		{"%", false},
		{[]string{"https://example.com" + refreshPath, "https://example.org" + refreshPath}, false},
	} {
		proof := device.Sign("dbsc+jwt", false, map[string]any{"jti": "c", "aud": tc.audience})
		if _, err := dbsc.VerifyRefresh(proof, refreshPath, key); (err == nil) != tc.ok || err != nil && !errors.Is(err, dbsc.ErrProof) {
			t.Errorf("a refresh for %q: %v; want it accepted: %t", tc.audience, err, tc.ok)
		}
	}
	for path, ok := range map[string]bool{registerPath: true, refreshPath: false} {
		proof := device.Sign("dbsc+jwt", true, map[string]any{"jti": "c", "aud": "https://example.com" + path})
		if _, _, err := dbsc.VerifyRegistration(proof, registerPath); (err == nil) != ok {
			t.Errorf("a registration for %s: %v; want it accepted: %t", path, err, ok)
		}
	}
}

// A proof that is accepted is that of the key, and its challenge is in it.
func FuzzProof(f *testing.F) {
	v := readVectors(f)
	device := dbsctest.NewDevice()
	for _, proof := range []string{v.Registration.JWT, v.Refresh.JWT, device.Register("c"), device.Prove("c"), "", "..", "a.b.c"} {
		f.Add(proof)
	}
	_, key, err := dbsc.VerifyRegistration(v.Registration.JWT, registerPath)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, proof string) {
		if p, err := dbsc.VerifyRefresh(proof, refreshPath, key); err == nil && p != v.Refresh.JTI {
			t.Errorf("a forged refresh: %q", proof)
		}
		if p, registered, err := dbsc.VerifyRegistration(proof, registerPath); err == nil {
			if p == "" || len(registered.DER) == 0 || registered.Algorithm == 0 {
				t.Errorf("%+v, %+v", p, registered)
			}
		}
	})
}
