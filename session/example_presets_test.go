package session_test

import (
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/session"
)

// A Config begins with the limits of an assurance level. Stricter ones are set by hand.
func ExampleAAL2() {
	cfg := session.AAL2()
	cfg.IdleTimeout = 30 * time.Minute
	cfg.Cookie.Domain = "example.org"

	sessions, err := session.New(memory.New(), cfg)
	fmt.Println(sessions != nil, err)
	fmt.Println(cfg.IdleTimeout, cfg.Lifetime)
	// Output:
	// true <nil>
	// 30m0s 24h0m0s
}

// A site where nobody has to prove who he is again for a month.
func ExampleAAL1() {
	cfg := session.AAL1()
	fmt.Println(cfg.IdleTimeout, cfg.Lifetime)
	// Output:
	// 720h0m0s 720h0m0s
}

// A site of the highest level: 15 minutes without use, 12 hours in all.
func ExampleAAL3() {
	cfg := session.AAL3()
	fmt.Println(cfg.IdleTimeout, cfg.Lifetime)
	// Output:
	// 15m0s 12h0m0s
}
