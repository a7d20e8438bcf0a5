package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/user"
	"strconv"
	"time"

	"github.com/holdfast-go/holdfast/admin"
	"github.com/holdfast-go/holdfast/session"
)

// loopback is the only address at which the admin page is served.
const loopback = "127.0.0.1"

// serveAdmin serves the admin page of the store at a one-time address, until it is
// interrupted.
func serveAdmin(ctx context.Context, j *job) error {
	if j.port < 0 || j.port > 65535 {
		return usageError("-port is not between 0 and 65535")
	}
	m, err := j.adminManager()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(j.port)))
	if err != nil {
		return fmt.Errorf("%w; choose another port with -port", err)
	}
	host := listener.Addr().String()
	login := newOneTimeLogin(host, admin.Handler(m, j.adminOptions()))
	server := &http.Server{
		Handler:           login,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	fmt.Fprintf(j.stdout, "open %s\n", login.url())
	fmt.Fprintln(j.stderr, "holdfast: the address works once, in one browser; Ctrl-C ends the page")
	return j.serveUntil(ctx, server, listener)
}

// adminManager returns the Manager of the admin page. Unlike manager it leaves the formats
// of records as they are, so that a value of a codec of the program's own does not decode,
// rather than decode as something else.
func (j *job) adminManager() (*session.Manager, error) {
	store := j.store.Provider
	if j.seals != nil {
		opened, err := j.seals.over(store)
		if err != nil {
			return nil, err
		}
		store = opened
	}
	return session.New(store, j.config())
}

// adminOptions returns the options of the admin page. Whoever has the address has the
// rights, since whoever has the URL of the store could do all of it. Ending every session
// needs an option of the program that the tool does not know.
func (j *job) adminOptions() admin.Options {
	logger := slog.New(slog.NewTextHandler(j.stderr, nil))
	may := admin.AllRights()
	may.EndAll = false
	if j.readOnly {
		may = admin.Rights{View: true}
	}
	operator := operatorName()
	return admin.Options{
		Authorize: func(*http.Request) (string, admin.Rights) { return operator, may },
		Logger:    logger,
	}
}

// operatorName returns the name of the user who runs the tool.
func operatorName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "operator"
}
