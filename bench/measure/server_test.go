package measure_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	serveEnv  = "HOLDFAST_BENCH_SERVE"
	cpuRoute  = "/cpu"
	clients   = 16
	warmUp    = 300 * time.Millisecond
	underLoad = 1500 * time.Millisecond
)

// BenchmarkServer measures whole servers, each in a process of its own, under the
// load of clients that ask again as soon as they are answered.
func BenchmarkServer(b *testing.B) {
	for _, scenario := range []scenario{
		{name: "untouched", begin: "/begin", route: "/untouched"},
		{name: "read", begin: "/begin", route: "/read"},
		{name: "change", begin: "/begin", route: "/change"},
	} {
		b.Run("scenario="+scenario.name, func(b *testing.B) {
			for _, peer := range []string{"floor", "Holdfast", "scs", "gorilla-cookie", "gin", "fiber"} {
				b.Run("peer="+peer, func(b *testing.B) { measureServer(b, peer, scenario) })
			}
		})
	}
}

func measureServer(b *testing.B, peer string, sc scenario) {
	addr := startServer(b, peer)
	client := &fasthttp.HostClient{Addr: addr, MaxConns: clients + 1}
	defer client.CloseIdleConnections()
	var took []time.Duration
	var cpu time.Duration
	for b.Loop() {
		loads := make([]load, clients)
		for i := range loads {
			loads[i].begin(b, client, addr, sc)
		}
		together(loads, client, warmUp)
		before := serverCPU(b, client, addr)
		took = together(loads, client, underLoad)
		cpu = serverCPU(b, client, addr) - before
	}
	for _, t := range took {
		if t < 0 {
			b.Fatal("a request failed")
		}
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(took))/underLoad.Seconds(), "req/s")
	b.ReportMetric(float64(cpu)/float64(len(took)), "cpu-ns/req")
	b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
}

// A load is one client's.
type load struct{ request fasthttp.Request }

func (l *load) begin(b *testing.B, client *fasthttp.HostClient, addr string, sc scenario) {
	var response fasthttp.Response
	l.request.SetRequestURI("http://" + addr + sc.begin)
	if err := client.Do(&l.request, &response); err != nil || response.StatusCode() != http.StatusOK {
		b.Fatalf("%s: %v, status %d", sc.begin, err, response.StatusCode())
	}
	for _, line := range response.Header.Cookies() {
		pair, _, _ := strings.Cut(string(line), ";")
		name, value, _ := strings.Cut(pair, "=")
		l.request.Header.SetCookie(name, value)
	}
	l.request.SetRequestURI("http://" + addr + sc.route)
}

// together returns how long each request took, -1 where one failed.
func together(loads []load, client *fasthttp.HostClient, d time.Duration) (took []time.Duration) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for i := range loads {
		wg.Go(func() {
			mine := loads[i].until(end, client)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	wg.Wait()
	return took
}

func (l *load) until(end time.Time, client *fasthttp.HostClient) (took []time.Duration) {
	var response fasthttp.Response
	for start := time.Now(); start.Before(end); {
		err := client.Do(&l.request, &response)
		now := time.Now()
		if err != nil || response.StatusCode() != http.StatusOK {
			return append(took, -1)
		}
		took = append(took, now.Sub(start))
		start = now
	}
	return took
}

func serverCPU(b *testing.B, client *fasthttp.HostClient, addr string) time.Duration {
	_, body, err := client.Get(nil, "http://"+addr+cpuRoute)
	if err != nil {
		b.Fatal(err)
	}
	ns, err := strconv.ParseInt(string(body), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(ns)
}

// startServer runs BenchmarkServerChild in a process of its own, which ends with
// the benchmark or with this process.
func startServer(b *testing.B, peer string) (addr string) {
	cmd := exec.Command(os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkServerChild$", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), serveEnv+"="+peer)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		io.Copy(io.Discard, stderr)
		cmd.Wait()
	})
	addr, err = bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		b.Fatal("the server did not start: ", err)
	}
	return strings.TrimSpace(addr)
}

// BenchmarkServerChild is what startServer runs.
func BenchmarkServerChild(b *testing.B) {
	peer := os.Getenv(serveEnv)
	if peer == "" {
		b.Skip("it is run by BenchmarkServer")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	apps := memoryApps(b)
	i := slices.IndexFunc(apps, func(a app) bool { return a.name == peer })
	go func() { _ = apps[i].serve(l) }()
	fmt.Fprintln(os.Stderr, l.Addr())
	io.Copy(io.Discard, os.Stdin)
}

// serve also tells the CPU time of the process.
func (a app) serve(l net.Listener) error {
	if a.fast != nil {
		return fasthttp.Serve(l, func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == cpuRoute {
				ctx.SetBodyString(ownCPU())
				return
			}
			a.fast(ctx)
		})
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == cpuRoute {
			io.WriteString(w, ownCPU())
			return
		}
		a.net.ServeHTTP(w, r)
	}))
}

// ownCPU returns the nanoseconds of CPU time that this process has had.
func ownCPU() string {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err.Error()
	}
	return strconv.FormatInt(used.Utime.Nano()+used.Stime.Nano(), 10)
}
