package session

import (
	"context"
	"time"
)

// FillOwnerIndex gives owner a list of n sessions that are not there, of which the ith was
// entered so long ago.
func FillOwnerIndex(m *Manager, owner string, n int, ago func(i int) time.Duration) error {
	return m.owners.Fill(context.Background(), owner, n, ago)
}
