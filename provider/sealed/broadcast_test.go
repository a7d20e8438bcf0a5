package sealed_test

import (
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/memory"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

func TestBroadcasterContract(t *testing.T) {
	providertest.RunBroadcaster(t, func(t *testing.T) (first, second, other provider.Provider) {
		inner, key := memory.New(), newKey()
		return seal(t, inner, key), seal(t, inner, key), seal(t, memory.New(), key)
	})
}

func TestBroadcastOfNoBroadcaster(t *testing.T) {
	p := seal(t, struct{ provider.Provider }{memory.New()}, newKey())
	if err := p.Broadcast(t.Context(), []byte("message")); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Broadcast: got error %v, want ErrUnsupported", err)
	}
	if err := storetest.StartListen(t, p).End(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Listen: got error %v, want ErrUnsupported", err)
	}
}
