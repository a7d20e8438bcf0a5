package e2e_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// All tests share one shop and one browser, begun by the first that needs them.
var (
	theShop = sync.OnceValues(func() (*shop, error) {
		s, err := startShop("shop.log")
		if err == nil {
			stops = append(stops, s.stop)
		}
		return s, err
	})
	theChromium = sync.OnceValues(func() (*chromium, error) {
		c, err := startChromium("")
		if err == nil {
			stops = append(stops, c.stop)
		}
		return c, err
	})
)

// stops end what is shared, the last begun first: the shop would wait for the
// browser's connections.
var stops []func() error

func TestMain(m *testing.M) {
	code := m.Run()
	for i := len(stops) - 1; i >= 0; i-- {
		if err := stops[i](); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			code = 1
		}
	}
	os.Exit(code)
}
