package faults_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/holdfast-go/holdfast/verify/itest/witness"
)

// checkLeaks wants the goroutines that a test starts to be gone when it ends.
func checkLeaks(t *testing.T) { witness.Leaks(t, patience, toxiproxys...) }

// toxiproxys are goroutines that toxiproxy leaves behind in connections that it
// has cut while they had more to say.
var toxiproxys = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
}
