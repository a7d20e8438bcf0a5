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
func (s *Signer) VerifyFor(ctx context.Context, purpose, value string) ([]byte, error) {
	if s.fixed != nil {
		if payload := s.fixed.payload(s.named(purpose), value); payload != nil {
			return payload, nil
		}
	}
	if s.opts.Ring == nil {
		return nil, nil
	}
	snapshot, err := s.opts.Ring.Verifying(ctx)
	if err != nil {
		return nil, err
	}
	payload := s.keysOf(snapshot).payload(s.named(purpose), value)
	if payload == nil {
		if newer := s.opts.Ring.Refresh(ctx, snapshot); newer != snapshot {
			payload = s.keysOf(newer).payload(s.named(purpose), value)
		}
	}
	return payload, nil
}
