package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Prometheus starts a Prometheus that scrapes the app at that address, at /metrics, as the
// job "shop", and evaluates the rules in the text of a file. It does both four times in a
// second.
func Prometheus(tb testing.TB, app, rules string) *Server {
	tb.Helper()
	s, err := startPrometheus(app, rules)
	return own(tb, []*Server{s}, err)[0]
}

const prometheusSettings = `
global:
  scrape_interval: 250ms
  scrape_timeout: 250ms
  evaluation_interval: 250ms
rule_files: [rules.yml]
scrape_configs:
  - job_name: shop
    static_configs:
      - targets: ["%s"]
`

func startPrometheus(app, rules string) (*Server, error) {
	program, err := findPrometheus("prometheus")
	if err != nil {
		return nil, err
	}
	promtool, err := findPrometheus("promtool")
	if err != nil {
		return nil, err
	}
	return start(kind{
		name: "prometheus",
		url:  "http://%s",
		prepare: func(dir string) (*exec.Cmd, error) {
			for name, text := range map[string]string{"prometheus.yml": fmt.Sprintf(prometheusSettings, app), "rules.yml": rules} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					return nil, err
				}
			}
			return exec.Command(promtool, "check", "config", "prometheus.yml"), nil
		},
		command: func(_, port string) *exec.Cmd {
			return exec.Command(program, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:"+port)
		},
		ready: logged("Server is ready to receive web requests."),
	})
}

// Promtool runs promtool, which belongs to Prometheus, in a folder, and returns what it has
// printed.
func Promtool(tb testing.TB, dir string, args ...string) (output string, err error) {
	tb.Helper()
	program, err := findPrometheus("promtool")
	require(tb, err)
	cmd := exec.CommandContext(tb.Context(), program, args...)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func findPrometheus(name string) (string, error) {
	program, err := exec.LookPath(name)
	if err != nil {
		err = missing("install Prometheus with promtool (Debian: apt-get install prometheus)")
	}
	return program, err
}
