package main

import (
	"net"
	"testing"

	"github.com/gofiber/fiber/v3"

	"github.com/holdfast-go/holdfast/adapters/fiberholdfast"
	"github.com/holdfast-go/holdfast/examples/frameworks/shoptest"
	"github.com/holdfast-go/holdfast/session"
)

func TestShop(t *testing.T) {
	app := newApp(shoptest.NewManager(t, session.Config{ErrorHandler: fiberholdfast.ErrorHandler}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		if err := app.Shutdown(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	shoptest.Run(t, "http://"+listener.Addr().String())
}
