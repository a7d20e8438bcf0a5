package main

import (
	"io"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/holdfast-go/holdfast/examples/frameworks/shoptest"
	"github.com/holdfast-go/holdfast/session"
)

func TestShop(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultWriter = io.Discard
	shoptest.Run(t, shoptest.Serve(t, newApp(shoptest.NewManager(t, session.Config{}))))
}
