package session_test

import (
	"context"
	"testing"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A session without a lease costs what it costs in a program without Refresh: compare
// Get with the same benchmark of an earlier version, and Refresh with Get.
func BenchmarkRefresh(b *testing.B) {
	for name, do := range map[string]func(*session.Session){
		"Get": func(s *session.Session) { keyA.Get(s) },
		"Set": func(s *session.Session) { n, _ := keyA.Get(s); keyA.Set(s, n+1) },
		"Refresh of a value that is not stale": func(s *session.Session) {
			if _, err := keyA.Refresh(context.Background(), s, is(-1), nil); err != nil {
				b.Error(err)
			}
		},
		"Refresh of a stale value": func(s *session.Session) {
			_, err := keyA.Refresh(context.Background(), s, func(int) bool { return true }, func(_ context.Context, old int) (int, error) { return old + 1, nil })
			if err != nil {
				b.Error(err)
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			m, err := session.New(memory.New(), session.Config{SigningKeys: [][]byte{make([]byte, 32)}})
			if err != nil {
				b.Fatal(err)
			}
			cookie := serveOne(m, nil, set("a=1")).Result().Cookies()[0]
			b.ReportAllocs()
			for b.Loop() {
				serveOne(m, cookie, do)
			}
		})
	}
}
