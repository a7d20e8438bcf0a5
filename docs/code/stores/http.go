package stores

import (
	"net/http"
	"time"

	"github.com/holdfast-go/holdfast/provider"
	"github.com/holdfast-go/holdfast/provider/httpstore"
)

func openHTTP(url, token string) (*httpstore.Provider, error) {
	return httpstore.New(url, httpstore.Options{Token: token}) // http://127.0.0.1:8090; Close it in the end
}

func newHTTPServer(store provider.Provider, token string) (*http.Server, error) {
	handler, err := httpstore.Handler(store, httpstore.HandlerOptions{Token: token})
	if err != nil {
		return nil, err
	}
	return &http.Server{
		Addr:              "127.0.0.1:8090",
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}, nil
}
