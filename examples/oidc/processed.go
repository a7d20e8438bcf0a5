package main

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/provider"
)

// processedTokens are the IDs (jti) of the tokens that were processed, in the store that
// all instances share.
type processedTokens struct{ store provider.Provider }

var errProcessed = errors.New("the token was processed before")

// The versions of the record of a token.
const (
	begun int64 = iota + 1
	done
)

// once calls process for a token that no instance has processed yet. If one has, it returns
// errProcessed. If process fails, or the instance crashes, the token may come again: its
// record is then begun and not done, and a Save of the version that is stored succeeds as
// a repetition of the earlier one. The record is kept until the token is no longer accepted.
func (p processedTokens) once(ctx context.Context, issuer, tokenID string, until time.Time, process func() error) error {
	rec := &provider.Record{ID: recordID("oidc-token", issuer, tokenID), Version: begun, ExpiresAt: until, Format: "oidc-token"}
	err := p.store.Save(ctx, rec, 0)
	if errors.Is(err, provider.ErrVersionConflict) {
		return errProcessed
	}
	if err == nil {
		err = process()
	}
	if err != nil {
		return err
	}
	rec.Version = done
	return p.store.Save(ctx, rec, begun)
}
