package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// patience is how long a server may take to be built, to start and to answer.
const patience = 10 * time.Minute

// rehearse follows a page in an empty folder.
func rehearse(root, files, page, temp string, env []string) error {
	steps, err := readSteps(filepath.Join(files, page))
	if err != nil || len(steps) == 0 {
		return err
	}
	dir, err := os.MkdirTemp(temp, "newcomer")
	if err != nil {
		return err
	}
	r := &newcomer{state: filepath.Join(temp, "state"), env: env, root: root, files: files, start: dir, dir: dir}
	for _, left := range []string{r.state, r.state + ".dir"} { // by the page before
		if err := os.RemoveAll(left); err != nil {
			return err
		}
	}
	for _, s := range steps {
		log.Printf("%s:%d", page, s.line)
		if err := r.follow(s); err != nil {
			return fmt.Errorf("%s:%d: %w\n%s", page, s.line, err, s.text)
		}
	}
	return nil
}

// newcomer follows the steps of a page.
type newcomer struct {
	root  string // of the repository
	files string // of its last commit
	start string // the folder in which he began
	dir   string // in which he works at present
	state string // a file with his variables, once there are any
	env   []string
}

func (n *newcomer) follow(s step) error {
	if s.in != "" {
		n.dir = filepath.Join(n.start, s.in)
		if err := os.MkdirAll(n.dir, 0o755); err != nil {
			return err
		}
	}
	switch {
	case s.file != "":
		file := filepath.Join(n.start, s.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, []byte(s.text), 0o644)
	case s.serves:
		return n.serve(s.text)
	}
	out, err := n.command(context.Background(), s.text).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	where, err := os.ReadFile(n.state + ".dir")
	if err != nil {
		return err
	}
	n.dir = strings.TrimSpace(string(where))
	return nil
}

// command returns the command that runs a script. It leaves the script's folder and
// variables for the next.
func (n *newcomer) command(ctx context.Context, script string) *exec.Cmd {
	const before = `set -euo pipefail
[ ! -e "$STATE" ] || . "$STATE"
trap 'export -p >"$STATE"; pwd >"$STATE.dir"' EXIT
`
	cmd := exec.CommandContext(ctx, "bash", "-c", before+script)
	cmd.Dir = n.dir
	// A clone has its workspace, and other folders have none.
	cmd.Env = append(n.env, "GOWORK=", "STATE="+n.state, "REPOSITORY="+n.files,
		// A clone is one of this repository, whatever its URL will be.
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url."+n.root+".insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/holdfast-go/holdfast")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

var printedURL = regexp.MustCompile(`https?://[\w.:\[\]-]+[\w/]`)

// serve runs a script whose last command is a server, reads the first URL that it prints,
// and stops it.
func (n *newcomer) serve(script string) error {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	cmd := n.command(ctx, script)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		_ = in.Close()
		ended <- err
	}()
	var printed bytes.Buffer
	lines := bufio.NewScanner(io.TeeReader(out, &printed))
	for lines.Scan() {
		url := printedURL.FindString(lines.Text())
		if url == "" || strings.Contains(lines.Text(), "go: downloading") {
			continue
		}
		go io.Copy(io.Discard, out)
		err := answers(ctx, url)
		stop()
		<-ended
		return err
	}
	return errors.Join(fmt.Errorf("it has ended and printed no URL:\n%s", &printed), <-ended)
}

// answers returns nil when a server answers at url with a page.
func answers(ctx context.Context, url string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode >= 400 {
				return fmt.Errorf("%s answers %s", url, res.Status)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", url, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
