package session_test

import (
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleRenewKeepsCreatedAt(t *testing.T) {
	bubble("CreatedAt survives a Renew", t, func(t *testing.T) {
		_, c, _ := begun(t)
		var before, after time.Time
		time.Sleep(time.Minute)
		c.post(func(s *session.Session) { before = s.CreatedAt(); s.Renew() }).wantPage(t)
		c.post(func(s *session.Session) { after = s.CreatedAt() }).wantPage(t)
		if !after.Equal(before) {
			t.Errorf("from %v to %v", before, after)
		}
	})
}
