package main

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/sealed"
)

const sealsEnv = "HOLDFAST_SEAL_KEYS"

var errSealed = errors.New("it is sealed; set " + sealsEnv + " to the keys")

// seals opens what provider/sealed has sealed. nil has no keys.
type seals struct {
	keys [][]byte
	hand *hand // what is to be opened
	*sealed.Provider
}

// newSeals returns nil if there are no keys in the text. Its errors quote none.
func newSeals(text string) (*seals, error) {
	if text == "" {
		return nil, nil
	}
	s := &seals{hand: new(hand)}
	for part := range strings.SplitSeq(text, ",") {
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(part))
		if err != nil {
			return nil, errors.New(sealsEnv + " has a key that is not base64")
		}
		s.keys = append(s.keys, key)
	}
	var err error
	s.Provider, err = s.over(s.hand)
	return s, err
}

// over returns the store whose sealed records are in p.
func (s *seals) over(p provider.Provider) (*sealed.Provider, error) { return sealed.New(p, s.keys) }

// open opens rec, in place, and returns it.
func (s *seals) open(rec *provider.Record) (*provider.Record, error) {
	if s == nil {
		return nil, errSealed
	}
	s.hand.Record = rec
	return s.Fetch(context.Background(), rec.ID)
}

// hand is a store of the record that was put into it.
type hand struct {
	provider.Provider
	*provider.Record
}

func (h *hand) Fetch(context.Context, string) (*provider.Record, error) { return h.Record, nil }
