package evolve

import (
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

func TestOldValues(t *testing.T) {
	sessions, err := session.New(memory.New(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	type profileV1 struct{ Name string }
	s, err := sessions.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	basketV1.Set(s, []string{"tea", "cups", "tea"})
	session.NewKey[profileV1]("profile").Set(s, profileV1{"Ann"})
	addressText.Set(s, "Main Street")
	token, err := s.Commit(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if s, err = sessions.Open(t.Context(), token.Value); err != nil {
		t.Fatal(err)
	}
	if b, _ := basket.Get(s); b["tea"] != 2 || b["cups"] != 1 {
		t.Error(b)
	}
	if p, _ := profile.Get(s); p.FullName != "Ann" || p.Language != "" {
		t.Error(p)
	}
	if a, ok := addressOf(s); !ok || a.Street != "Main Street" {
		t.Error(a, ok)
	}
	address.Set(s, Address{"Main Street", "Springfield"})
	basket.Update(s, func(b Basket) Basket { b["tea"]++; return b })
	if _, err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}

	if s, err = sessions.Open(t.Context(), token.Value); err != nil {
		t.Fatal(err)
	}
	if _, ok := basketV1.Get(s); ok {
		t.Error("version 1 reads the basket of version 2")
	}
	if b, _ := basket.Get(s); b["tea"] != 3 {
		t.Error(b)
	}
	if a, _ := addressOf(s); a.City != "Springfield" {
		t.Error(a)
	}
}
