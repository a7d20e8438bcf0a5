package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const unixScheme = "unix://"

// checkListen returns what is wrong with the flags of where serve listens.
func (j *job) checkListen() error {
	path, unix := strings.CutPrefix(j.listen, unixScheme)
	switch {
	case (j.tlsCert == "") != (j.tlsKey == ""):
		return usageError("-tls-cert and -tls-key belong together")
	case unix && j.tlsCert != "":
		return usageError("a Unix socket needs no -tls-cert")
	case unix && path == "":
		return usageError("-listen: which socket? Give unix:///path")
	case !unix && j.tlsCert == "" && !j.plain && !isLoopback(j.listen):
		return usageError("-listen " + quoted(j.listen) + ": " + notLoopback)
	}
	return nil
}

// listener returns where serve listens, and its URL for -store.
func (j *job) listener() (net.Listener, string, error) {
	if path, ok := strings.CutPrefix(j.listen, unixScheme); ok {
		return listenUnixAt(path)
	}
	l, err := net.Listen("tcp", j.listen)
	if err != nil {
		return nil, "", fmt.Errorf("%w; choose another address with -listen", err)
	}
	scheme := "http://"
	if j.tlsCert != "" {
		scheme = "https://"
	}
	return l, scheme + l.Addr().String(), nil
}

// listenUnixAt is listenUnix with the URL, in which the path is a whole one.
func listenUnixAt(path string) (net.Listener, string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	l, err := listenUnix(path)
	return l, "http+" + unixScheme + (&url.URL{Path: whole}).EscapedPath(), err
}

// listenUnix makes a socket that only this user may open. It takes the place of one that
// a killed server has left behind.
func listenUnix(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && isAbandoned(path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// isAbandoned reports whether nobody listens at a socket.
func isAbandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
