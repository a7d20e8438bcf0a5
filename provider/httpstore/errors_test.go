package httpstore_test

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
	"github.com/holdfast-go/holdfast/provider/memory"
)

// tellsNothing wants an error to have the package's prefix, and neither ID, data nor token
// in its text, nor in that of any error in its chain.
func tellsNothing(tb testing.TB, err error, rec *provider.Record) {
	tb.Helper()
	if err == nil {
		tb.Error("got no error")
		return
	}
	if !strings.HasPrefix(err.Error(), "httpstore: ") {
		tb.Errorf("the error %q does not begin with the package's name", err)
	}
	text := fmt.Sprintf("%+v %s", err, chain(err))
	for _, secret := range []string{rec.ID, base64.RawURLEncoding.EncodeToString([]byte(rec.ID)), string(rec.Data), token, "secret"} {
		if strings.Contains(text, secret) {
			tb.Errorf("the error %q tells %q", text, secret)
		}
	}
}

// chain returns the texts of the errors that err wraps.
func chain(err error) (text string) {
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			text = inner.Error() + " " + chain(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			text += inner.Error() + " " + chain(inner)
		}
	}
	return text
}

// A server that another has written may put into the text of an error what must not be
// there.
func TestTextsOfServersAreNotTrusted(t *testing.T) {
	for name, quoted := range map[string]bool{
		"is on fire":                            true,
		"has a\u001b[31m colour":                false,
		"has two\nlines":                        false,
		"is long: " + strings.Repeat("x", 2000): false,
		"has the record ID":                     false,
	} {
		p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Holdfast-Protocol", "1")
			w.Header().Set("Holdfast-Error", "failed")
			w.WriteHeader(500)
			fmt.Fprintf(w, `{"detail": %q}`, strings.ReplaceAll(name, "\x1b", "\u001b"))
		}))
		_, err := p.Fetch(t.Context(), "ID")
		if got := strings.Contains(fmt.Sprint(err), name); got != quoted {
			t.Errorf("the error %q quotes the text: %t, want %t", err, got, quoted)
		}
	}
}

// What a garbled answer contains may be a part of a record.
func TestUnreadableAnswers(t *testing.T) {
	for name, answers := range map[string]string{
		"no tag":            "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\nContent-Length: 6\r\n\r\nsecret",
		"a tag of text":     "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\nEtag: \"secret\"\r\nContent-Length: 0\r\n\r\n",
		"an expiry of text": "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\nEtag: \"1\"\r\nHoldfast-Expires: secret\r\nContent-Length: 0\r\n\r\n",
		"a broken format":   "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\nEtag: \"1\"\r\nHoldfast-Format: secret%\r\nContent-Length: 0\r\n\r\n",
		"no HTTP":           "secret",
		"a broken header":   "HTTP/1.1 200 OK\r\nsecret\r\n\r\n",
		"a broken length":   "HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n",
		"a huge length":     "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\nEtag: \"1\"\r\nContent-Length: 9999999999\r\n\r\n",
		"two lengths":       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := client(t, rawServer(t, answers), options())
			rec := storetest.NewRecord()
			_, err := p.Fetch(t.Context(), rec.ID)
			tellsNothing(t, err, rec)
			for _, wrong := range []error{provider.ErrNotFound, provider.ErrVersionConflict} {
				if errors.Is(err, wrong) {
					t.Errorf("got error %v", err)
				}
			}
			if name == "a huge length" && !strings.Contains(err.Error(), "1 GiB") {
				t.Errorf("the error %q does not say what is wrong", err)
			}
			_, err = storetest.List(t.Context(), p, rec.ID)
			tellsNothing(t, err, rec)
		})
	}
}

// A proxy that compresses or otherwise changes a body makes its tag a weak one.
func TestWeakTagOfAnAnswer(t *testing.T) {
	p := client(t, rawServer(t, "HTTP/1.1 200 OK\r\nHoldfast-Protocol: 1\r\nEtag: W/\"7\"\r\nContent-Length: 1\r\n\r\nx"), options())
	if rec, err := p.Fetch(t.Context(), "ID"); err != nil || rec.Version != 7 {
		t.Errorf("got %v, %v; want version 7", rec, err)
	}
}

// A large body is sent only when the server asks for it, since one that refuses it may
// close the connection.
func TestLargeBodiesAreAnnounced(t *testing.T) {
	var expects []string
	h := handler(t, memory.New())
	p := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		expects = append(expects, r.Header.Get("Expect"))
		h.ServeHTTP(w, r)
	}))
	for _, size := range []int{256 << 10, 256<<10 + 1} {
		rec := storetest.NewRecord()
		rec.Data = make([]byte, size)
		storetest.Save(t, p, rec, 0, nil)
	}
	if want := []string{"", "100-continue"}; !slices.Equal(expects, want) {
		t.Errorf("the requests have Expect %q, want %q", expects, want)
	}
}

// What the server does not take is refused before it is sent, also over a connection that
// the server would close.
func TestTooLarge(t *testing.T) {
	calls := &storetest.Store{Provider: memory.New()}
	p := over(t, calls)
	for _, size := range []int{4<<20 + 1, 64 << 20} {
		rec := storetest.NewRecord()
		rec.Data = make([]byte, size)
		err := storetest.Save(t, p, rec, 0, provider.ErrTooLarge)
		if !strings.Contains(err.Error(), "MaxBytes") {
			t.Errorf("the error %q does not say what to do", err)
		}
	}
	if n := calls.Trips(); n > 0 {
		t.Errorf("the store was called %d times", n)
	}
	rec := storetest.NewRecord()
	rec.Data = make([]byte, 4<<20)
	storetest.Save(t, p, rec, 0, nil)
	storetest.WantRecord(t, p, rec)
}

// A certificate that is not trusted is named as the reason, with what to do about it.
func TestCertificateThatIsNotTrusted(t *testing.T) {
	server := httptest.NewUnstartedServer(handler(t, memory.New()))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	err := client(t, server.URL, httpstore.Options{Token: token}).Save(t.Context(), storetest.NewRecord(), 0)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || !strings.Contains(err.Error(), "ca=FILE") || !errors.Is(err, provider.ErrNotSaved) {
		t.Errorf("got error %v, want ErrNotSaved because of the certificate", err)
	}
}

// The answer of a TLS port to plain HTTP is not taken for one that is cut off.
func TestPlainHTTPOnATLSPort(t *testing.T) {
	server := httptest.NewUnstartedServer(handler(t, memory.New()))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	_, err := client(t, strings.Replace(server.URL, "https:", "http:", 1), httpstore.Options{Token: token}).Fetch(t.Context(), "a")
	if err == nil || !strings.Contains(err.Error(), "answers 400") || !strings.Contains(err.Error(), "https://") {
		t.Errorf("got error %v, want one that names https://", err)
	}
}
