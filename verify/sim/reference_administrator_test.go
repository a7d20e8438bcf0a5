package sim

import (
	"context"
	"errors"
)

// Calls of an administrator are beyond the reference.

func (s *referenceSession) publicID() string { return s.id }

func (s *referenceSession) revokeBy(context.Context, int32) error { return errors.ErrUnsupported }

func (s *referenceSession) sessionsBy(context.Context, int32) ([]listed, error) {
	return nil, errors.ErrUnsupported
}

func (s *referenceSession) revokeEverything(context.Context) error { return errors.ErrUnsupported }
