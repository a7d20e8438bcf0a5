package faults_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/verify/itest/stores"
)

// After a fault every connection is a new one. Calls succeed again also where the
// network is so slow that none has time for a connection's handshake: to go-redis that
// is two trips, HELLO and CLIENT SETINFO.
func TestRedisConnectsWhereAHandshakeTakesLongerThanACall(t *testing.T) {
	checkLeaks(t)
	const (
		oneWay = 500 * time.Millisecond
		limit  = 5 * oneWay // two trips and a half
	)
	server := subjects[0].serve(t)
	p := newProxy(t, server.Addr)
	store := stores.Redis.At(t, p.through(server.URL), stores.Space()) // it has no connection yet
	there := map[string]int64{"latency": oneWay.Milliseconds()}
	p.poison(toxic{"latency", up, there}, toxic{"latency", down, there})
	var err error
	eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err = store.Fetch(ctx, "id")
		return errors.Is(err, provider.ErrNotFound)
	}, func() string { return fmt.Sprintf("no call succeeds: %v; %s", err, stores.State(store)) })
}
