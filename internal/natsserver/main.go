// Command natsserver is the server of NATS for the tests. It is a module of its own,
// because the server requires much that nothing else does.
//
//	natsserver -addr 127.0.0.1:4222 -dir DIRECTORY
//
// With -name, -cluster and -routes it is one of several servers of a cluster. It prints
// "ready" when it takes connections, and "current" when it knows all that the cluster
// does.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("natsserver: ")
	f := readFlags()
	opts, err := f.options()
	if err != nil {
		log.Fatal(err)
	}
	if err := serve(opts); err != nil {
		log.Fatal(err)
	}
}

type flags struct {
	addr, dir             string
	name, cluster, routes string
	user, password        string
	maxPayload            int
	maxStore              int64
}

func readFlags() (f flags) {
	flag.StringVar(&f.addr, "addr", "127.0.0.1:4222", "the `address` for clients")
	flag.StringVar(&f.dir, "dir", ".", "the `directory` for the data")
	flag.StringVar(&f.name, "name", "", "the server's `name` in the cluster")
	flag.StringVar(&f.cluster, "cluster", "", "the `address` for other servers")
	flag.StringVar(&f.routes, "routes", "", "the `addresses` of all servers for others, separated by commas")
	flag.StringVar(&f.user, "user", "", "the `user` that clients need; none if it is empty")
	flag.StringVar(&f.password, "password", "", "the user's `password`")
	flag.IntVar(&f.maxPayload, "max-payload", server.MAX_PAYLOAD_SIZE, "the largest message in `bytes`")
	flag.Int64Var(&f.maxStore, "max-store", 1<<30, "how much JetStream stores at most, in `bytes`")
	flag.Parse()
	return f
}

// options are those of a server that writes each change to the disk before it
// acknowledges it.
func (f flags) options() (*server.Options, error) {
	opts := &server.Options{
		ServerName:         f.name,
		JetStream:          true,
		StoreDir:           f.dir,
		SyncAlways:         true,
		JetStreamMaxStore:  f.maxStore,
		JetStreamMaxMemory: 1 << 28,
		MaxPayload:         int32(f.maxPayload),
		Username:           f.user,
		Password:           f.password,
		NoSigs:             true,
	}
	var err error
	if opts.Host, opts.Port, err = split(f.addr); err != nil {
		return nil, err
	}
	if f.cluster == "" {
		return opts, nil
	}
	opts.Cluster.Name = "test"
	if opts.Cluster.Host, opts.Cluster.Port, err = split(f.cluster); err != nil {
		return nil, err
	}
	for route := range strings.SplitSeq(f.routes, ",") {
		opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats-route", Host: route})
	}
	return opts, nil
}

func split(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}

const startTimeout = time.Minute

func serve(opts *server.Options) error {
	s, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		return errors.New("it does not take connections")
	}
	fmt.Println("ready")
	for !isCurrent(s, len(opts.Routes)) {
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("current")
	s.WaitForShutdown()
	return nil
}

// isCurrent reports whether s takes part in a cluster of that many servers, 0 for a server
// that is alone. The leader places a stream only on servers that it has heard of.
func isCurrent(s *server.Server, servers int) bool {
	leads := servers > 0 && s.JetStreamIsLeader()
	return s.JetStreamIsCurrent() && (!leads || len(s.JetStreamClusterPeers()) >= servers)
}
