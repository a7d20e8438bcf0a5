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

// seals opens records that provider/sealed has sealed. A nil *seals has no keys.
type seals struct {
	keys [][]byte
	hand *hand // the record to open
	*sealed.Provider
}

// newSeals returns nil if text contains no keys. Its errors do not quote keys.
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

// over returns the sealed provider over p.
func (s *seals) over(p provider.Provider) (*sealed.Provider, error) { return sealed.New(p, s.keys) }

// open opens rec, in place, and returns it.
func (s *seals) open(rec *provider.Record) (*provider.Record, error) {
	if s == nil {
		return nil, errSealed
	}
	s.hand.Record = rec
	return s.Fetch(context.Background(), rec.ID)
}

// hand is a store that contains only the record that was assigned to it.
type hand struct {
	provider.Provider
	*provider.Record
}

func (h *hand) Fetch(context.Context, string) (*provider.Record, error) { return h.Record, nil }
