package production

import (
	"context"
	"net"
	"net/http"
	"time"
)

// serve answers requests until ctx ends, and finishes those that are in flight.
func serve(ctx context.Context, listener net.Listener, site http.Handler) error {
	server := &http.Server{
		Handler:           site,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second, // more than Config.StoreTimeout
		IdleTimeout:       2 * time.Minute,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	if err := server.Serve(listener); stop() { // it has failed by itself
		return err
	}
	return <-stopped // close the store after this
}
