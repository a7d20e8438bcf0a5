package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// A chromium is a running browser.
type chromium struct {
	ctx  context.Context
	stop func() error // once
}

// findChromium returns the browser to use, or "".
func findChromium() string {
	if path := os.Getenv("HOLDFAST_TEST_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// needChromium skips the test where there is none.
func needChromium(t *testing.T) {
	t.Helper()
	if findChromium() != "" {
		return
	}
	const hint = "install chromium (Debian: apt-get install chromium), or name one in HOLDFAST_TEST_CHROMIUM"
	if os.Getenv("HOLDFAST_TEST_NOSKIP") == "1" {
		t.Fatal(hint)
	}
	t.Skip(hint)
}

// startChromium starts a browser on that profile folder or, if it is "", on one
// that is removed when it ends. chromedp talks to it through a pipe, has the kernel end
// it with the tests, and turns the sandbox off for root, which cannot have it.
func startChromium(profile string, more ...chromedp.ExecAllocatorOption) (*chromium, error) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(findChromium()),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	opts = append(opts, more...)
	if profile != "" {
		opts = append(opts, chromedp.UserDataDir(profile))
	}
	alloc, _ := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		return nil, fmt.Errorf("chromium: %w", err)
	}
	return &chromium{ctx, sync.OnceValue(func() error { return closeChromium(ctx) })}, nil
}

// closeChromium closes it as a user does, so that it saves what it keeps.
func closeChromium(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("chromium: %w", err)
	}
	return nil
}
