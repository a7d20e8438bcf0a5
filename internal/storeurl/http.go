package storeurl

import (
	"errors"
	"os"
	"strings"

	"github.com/holdfast-go/holdfast/provider/httpstore"
)

// TokenEnv is the environment variable with the token of a store over HTTP. Neither the
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
	token := os.Getenv(TokenEnv)
	if named {
		if token, err = readToken(file); err != nil {
			return nil, err
		}
	}
	p, err := httpstore.New(strings.Replace(rest, "http+unix://", "unix://", 1), httpstore.Options{Token: token, PlainHTTP: plain == "true"})
	if err != nil {
		return nil, err
	}
	return &Opened{Provider: p, Close: func() { _ = p.Close() }}, nil
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
