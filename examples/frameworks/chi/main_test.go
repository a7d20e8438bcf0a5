package main

import (
	"testing"

	"github.com/holdfast-go/holdfast/examples/frameworks/shoptest"
	"github.com/holdfast-go/holdfast/session"
)

func TestShop(t *testing.T) {
	shoptest.Run(t, shoptest.Serve(t, newApp(shoptest.NewManager(t, session.Config{}))))
}
