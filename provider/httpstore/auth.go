package httpstore

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
)

const minToken = 16

var errToken = errors.New("httpstore: a token has at least 16 characters of ASCII without blanks; make one with: openssl rand -base64 32")

// checkToken returns an error for a token that can be guessed or does not fit into a
// header.
func checkToken(token string) error {
	if len(token) < minToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errToken
	}
	return nil
}

// tokens are the hashes of those that a server accepts. Hashes have the same length, so
// that a comparison takes the same time for each token.
type tokens [][sha256.Size]byte

func newTokens(options HandlerOptions) (tokens, error) {
	accepted := options.MoreTokens
	if options.Token != "" {
		accepted = append([]string{options.Token}, accepted...)
	}
	if len(accepted) == 0 && !options.NoToken {
		return nil, errors.New("httpstore: HandlerOptions has no Token; set one, or NoToken if only the right clients can connect: by mutual TLS or a Unix socket")
	}
	if len(accepted) > 0 && options.NoToken {
		return nil, errors.New("httpstore: HandlerOptions has both a token and NoToken")
	}
	var hashes tokens
	for _, token := range accepted {
		if err := checkToken(token); err != nil {
			return nil, err
		}
		hashes = append(hashes, sha256.Sum256([]byte(token)))
	}
	return hashes, nil
}

// admit reports whether a request has one of the tokens, or needs none.
func (t tokens) admit(r *http.Request) bool {
	if len(t) == 0 {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got := sha256.Sum256([]byte(token))
	found := 0
	for _, want := range t {
		found |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	return found == 1 && strings.EqualFold(scheme, "Bearer")
}
