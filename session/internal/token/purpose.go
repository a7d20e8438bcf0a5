package token

import "context"

// SignFor returns payload signed for that purpose. What is signed for one purpose is not
// valid for another, and stands for no session.
func (s *Signer) SignFor(ctx context.Context, purpose string, payload []byte) (string, error) {
	codec, err := s.signing(ctx)
	if err != nil {
		return "", err
	}
	return codec.Encode(s.named(purpose), payload)
}

// named returns the name that is signed with what is signed for that purpose. It is not
// the name of a cookie, because it has a space.
func (s *Signer) named(purpose string) string { return purpose + " " + s.opts.CookieName }

// VerifyFor returns the payload of a value that SignFor has returned for the same purpose,
// or nil. The error is that of a ring that cannot be read.
func (s *Signer) VerifyFor(ctx context.Context, purpose, value string) (payload []byte, err error) {
	try := func(keys *keySet) bool {
		payload = keys.payload(s.named(purpose), value)
		return payload != nil
	}
	if s.fixed != nil && try(s.fixed) || s.opts.Ring == nil {
		return payload, nil
	}
	return payload, s.tryRing(ctx, try)
}
