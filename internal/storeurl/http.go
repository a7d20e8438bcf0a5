package storeurl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/holdfast-go/holdfast/provider/httpstore"
)

// TokenEnv is the environment variable with the token of a store over HTTP, or with several
// ones that a server accepts, of which a client uses the first. Neither the
// list of processes nor the history of a shell shows it.
const TokenEnv = "HOLDFAST_TOKEN"

func openHTTP(storeURL string) (*Opened, error) {
	rest, file, named, err := cut(storeURL, "token-file")
	if err != nil {
		return nil, err
	}
	rest, plain, _, err := cut(rest, "plain")
	if err != nil || plain != "" && plain != "true" {
		return nil, errURL
	}
	rest, config, err := cutTLS(rest)
	if err != nil {
		return nil, err
	}
	token := firstToken(os.Getenv(TokenEnv))
	if named {
		if token, err = readToken(file); err != nil {
			return nil, err
		}
	}
	p, err := httpstore.New(strings.Replace(rest, "http+unix://", "unix://", 1), httpstore.Options{Token: token, TLS: config, PlainHTTP: plain == "true"})
	if err != nil {
		return nil, err
	}
	return &Opened{Provider: p, Served: true, Close: func() { _ = p.Close() }}, nil
}

// cutTLS removes the parameters ca, cert and key from a URL. It returns the configuration
// made from the files that they name, or nil if the URL has none of them.
func cutTLS(storeURL string) (rest string, config *tls.Config, err error) {
	rest, ca, _, caErr := cut(storeURL, "ca")
	rest, cert, _, certErr := cut(rest, "cert")
	rest, key, _, keyErr := cut(rest, "key")
	switch {
	case errors.Join(caErr, certErr, keyErr) != nil, (cert == "") != (key == ""):
		return "", nil, errURL
	case ca == "" && cert == "":
		return rest, nil, nil
	case scheme(storeURL) != "https":
		return "", nil, errURL
	}
	config = new(tls.Config)
	if ca != "" {
		if config.RootCAs, err = readRoots(ca); err != nil {
			return "", nil, err
		}
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return "", nil, fmt.Errorf("the files of the parameters cert and key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return rest, config, nil
}

// readRoots returns the certificates in a file.
func readRoots(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the file of the parameter ca: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("the file of the parameter ca has no certificate in PEM form")
	}
	return roots, nil
}

// firstToken returns the first of tokens with blanks between them, or "". A server accepts
// all of them, and a client uses the first one.
func firstToken(tokens string) string {
	if fields := strings.Fields(tokens); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// readToken returns the first token of a file with one a line.
func readToken(file string) (string, error) {
	tokens, err := ReadTokens(file)
	if err != nil {
		return "", err
	}
	return tokens[0], nil
}

// ReadTokens returns the tokens in a file, one a line. A server accepts all of them, and
// a client uses the first one.
func ReadTokens(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	tokens := strings.Fields(string(text))
	if len(tokens) == 0 {
		return nil, errors.New("the token file " + file + " is empty; write a token into it, as by: openssl rand -base64 32")
	}
	return tokens, nil
}
