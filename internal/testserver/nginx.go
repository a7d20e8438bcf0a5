package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Nginx starts an nginx as a shared cache in front of a server, as a careless operator
// sets it up: it caches each response for a minute, by its path only, unless the headers
// forbid it. Further directives, each as in "proxy_ignore_headers Set-Cookie", make it
// more careless. The header X-Cache-Status is HIT for a response from the cache.
func Nginx(tb testing.TB, upstream string, directives ...string) *Server {
	tb.Helper()
	s, err := startNginx(upstream, directives)
	return own(tb, []*Server{s}, err)[0]
}

// The folders of unused features are set as well, since the defaults would be created at
// the start, outside of the server's own folder.
const nginxSettings = `
daemon off;
%s
pid pid;
error_log stderr notice;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	proxy_cache_path cache keys_zone=shared:1m;
	server {
		listen 127.0.0.1:%s;
		location / {
			proxy_pass http://%s;
			proxy_cache shared;
			proxy_cache_key $uri;
			proxy_cache_valid 200 302 1m;
			add_header X-Cache-Status $upstream_cache_status always;
			%s
		}
	}
}
`

func startNginx(upstream string, directives []string) (*Server, error) {
	program, err := findDaemon("nginx", "nginx")
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 { // whose folder no other user may read
		user = "user root;"
	}
	return start(kind{
		name: "nginx",
		url:  "http://%s",
		command: func(dir, port string) *exec.Cmd {
			more := strings.Join(append(directives, ""), ";\n")
			config := writeConfig(dir, fmt.Sprintf(nginxSettings, user, port, upstream, more))
			return exec.Command(program, "-e", "stderr", "-p", dir, "-c", config)
		},
		ready: logged("start worker process "),
	})
}
