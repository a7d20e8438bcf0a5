package faults_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// checkLeaks wants the goroutines that a test starts to be gone when it ends.
func checkLeaks(t *testing.T) {
	old := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err := goleak.Find(append(toxiproxys, old)...)
		for err != nil && wait(ctx, 10*time.Millisecond) {
			err = goleak.Find(append(toxiproxys, old)...)
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// toxiproxys are goroutines that toxiproxy leaves behind in connections that it
// has cut while they had more to say.
var toxiproxys = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
}
