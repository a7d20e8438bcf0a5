package session

import (
	"fmt"
	"log/slog"
)

// unknownCodec stands for a codec that is neither built in nor Config.Codec. What is
// around the values of its sessions can be read, so that they can be listed and ended.
type unknownCodec string

func (c unknownCodec) problem() error {
	return fmt.Errorf("%w: its format is %q, which is neither built in nor Config.Codec's", ErrUnreadable, string(c))
}

func (c unknownCodec) Name() string                { return string(c) }
func (c unknownCodec) Marshal(any) ([]byte, error) { return nil, c.problem() }
func (c unknownCodec) Unmarshal([]byte, any) error { return c.problem() }

// unknown returns why the values of c cannot be read, or nil.
func (c *content) unknown() error {
	if codec, unknown := c.codec.(unknownCodec); unknown && !c.Tombstone {
		return codec.problem()
	}
	return nil
}

// beside returns a session for a visitor whose own has a codec that is not known. It
// is new. The stored one is left as it is, until Renew or Destroy ends it.
func (p *passage) beside(stored candidate, why error) *Session {
	p.m.cfg.Logger.Error("session: the visitor is taken for a new one, since the codec of the stored session is not known; "+
		"it is left as it is until the visitor signs in or out; use that codec as Config.Codec to have it back",
		slog.String("public_id", stored.id), slog.Any("error", why))
	s := p.newSession(identity{}, nil)
	s.unread = &doomed{identity: stored.identity, base: stored.content, cookie: true}
	return s
}
