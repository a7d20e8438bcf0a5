package session

import (
	"context"
	"time"
)

// FillOwnerIndex writes an index of n sessions of owner that are not stored. The ith was
// entered ago(i) ago.
func FillOwnerIndex(m *Manager, owner string, n int, ago func(i int) time.Duration) error {
	return m.owners.Fill(context.Background(), owner, n, ago)
}
