package sessiontest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/session/sessiontest"
)

// A program makes two choices, or one if the first is 1.
func TestSearchVisitsEverySequence(t *testing.T) {
	var s sessiontest.Search
	var visited []string
	for more := true; more; more = s.Next() {
		var sequence []string
		choose := func(options ...int) {
			taken, err := s.Choose(options)
			if err != nil {
				t.Fatal(err)
			}
			sequence = append(sequence, string(rune('0'+taken)))
		}
		choose(0, 1, 2)
		if sequence[0] != "1" {
			choose(5, 7)
		}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		visited = append(visited, strings.Join(sequence, ""))
	}
	if want := []string{"05", "07", "1", "25", "27"}; !slices.Equal(visited, want) {
		t.Errorf("visited %q; want %q", visited, want)
	}
}

func TestSearchOfProgramThatChanges(t *testing.T) {
	choose := func(s *sessiontest.Search, options ...int) error {
		_, err := s.Choose(options)
		return err
	}
	for name, tc := range map[string]func(s *sessiontest.Search) error{
		"other options":   func(s *sessiontest.Search) error { return choose(s, 0) },
		"fewer choices":   func(s *sessiontest.Search) error { return s.Complete() },
		"another at last": func(s *sessiontest.Search) error { _ = choose(s, 0, 1); return choose(s, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			var s sessiontest.Search
			for range 2 {
				if err := choose(&s, 0, 1); err != nil {
					t.Fatal(err)
				}
			}
			if !s.Next() {
				t.Fatal("there is one sequence")
			}
			if err := tc(&s); err == nil {
				t.Error("no error")
			}
		})
	}
}
