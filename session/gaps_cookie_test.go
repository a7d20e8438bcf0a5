package session_test

import (
	"testing"

	"github.com/holdfast-go/holdfast/session"
)

func TestRuleDynamicValue(t *testing.T) {
	_, c, _ := begun(t)
	tree := session.NewKey[any]("tree")
	c.post(func(s *session.Session) { tree.Set(s, map[string]any{"leaf": map[string]any{"n": "v"}}) }).wantPage(t)
	c.post(func(s *session.Session) {
		got, _ := tree.Get(s)
		outer, _ := got.(map[string]any)
		if _, ok := outer["leaf"].(map[string]any); !ok {
			t.Errorf("it comes back as %T %v", got, got)
		}
	}).wantPage(t)
}
