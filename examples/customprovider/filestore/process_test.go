package filestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
	"github.com/holdfast-go/holdfast/provider"
)

const (
	roleVar = "FILESTORE_TEST_ROLE"
	dirVar  = "FILESTORE_TEST_DIR"

	counter = "counter" // the ID of the record that all count in
	each    = 200       // increments of a process that is not killed
)

// TestMain makes the test binary a process of its own, if a test has started it
// as such. Every line of its output is for one thing done.
func TestMain(m *testing.M) {
	role := os.Getenv(roleVar)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := play(role, os.Getenv(dirVar)); err != nil {
		log.Print(err)
		os.Exit(2)
	}
}

func play(role, dir string) error {
	store, err := filestore.Open(dir)
	if err != nil {
		return err
	}
	switch role {
	case "count":
		return count(store, each)
	case "count on":
		return count(store, math.MaxInt)
	default:
		return hold(store)
	}
}

func count(store provider.Provider, n int) error {
	for range n {
		if err := increment(context.Background(), store, counter); err != nil {
			return err
		}
		if _, err := fmt.Println("counted"); err != nil {
			return err
		}
	}
	return nil
}

// hold stops in the middle of a Save, until it is killed or the test is.
func hold(store *filestore.Store) error {
	if _, err := store.LeaveHalf(context.Background(), counter); err != nil {
		return err
	}
	fmt.Println("holding")
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// A process runs in a role, on the records of a directory.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
}

func start(ctx context.Context, role, dir string) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), roleVar+"="+role, dirVar+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &process{cmd, stdin, bufio.NewScanner(stdout)}, cmd.Start()
}

// done waits for up to n lines, and returns how many have come.
func (p *process) done(n int) int {
	for i := range n {
		if !p.lines.Scan() {
			return i
		}
	}
	return n
}

// kill ends the process at once, and returns how many more lines have come.
func (p *process) kill() (int, error) {
	if err := p.cmd.Process.Kill(); err != nil {
		return 0, err
	}
	n := p.done(math.MaxInt)
	err := p.cmd.Wait()
	if code := p.cmd.ProcessState.ExitCode(); code == -1 || code == 1 { // as on Unix, or on Windows
		return n, nil
	}
	return n, fmt.Errorf("it has ended before it was killed: %v", err)
}

// countAll counts in a process that nobody disturbs.
func countAll(ctx context.Context, dir string) (int, error) {
	p, err := start(ctx, "count", dir)
	if err != nil {
		return 0, err
	}
	return p.done(each + 1), p.cmd.Wait()
}

// countSome counts in a process that is killed in the middle of an increment.
func countSome(ctx context.Context, dir string, r *rand.Rand) (int, error) {
	p, err := start(ctx, "count on", dir)
	if err != nil {
		return 0, err
	}
	before := p.done(1 + r.IntN(20))
	<-time.After(time.Duration(r.Int64N(int64(2 * time.Millisecond))))
	after, err := p.kill()
	return before + after, err
}

func TestProcessesLoseNothing(t *testing.T) {
	const undisturbed, killed = 3, 20
	seed := rand.Uint64()
	dir := t.TempDir()
	store := open(t, dir)
	save(t, store, newRecord(counter))

	counts := make([]int, undisturbed+1)
	var wg sync.WaitGroup
	for i := range undisturbed {
		wg.Go(func() {
			n, err := countAll(t.Context(), dir)
			if err != nil {
				t.Error(err)
			}
			counts[i] = n
		})
	}
	wg.Go(func() {
		r := rand.New(rand.NewPCG(seed, 0))
		for range killed {
			n, err := countSome(t.Context(), dir, r)
			if err != nil {
				t.Error(err)
			}
			counts[undisturbed] += n
		}
	})
	wg.Wait()

	rec, err := store.Fetch(t.Context(), counter)
	if err != nil {
		t.Fatal(err)
	}
	got, err := strconv.Atoi(string(rec.Data))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, n := range counts {
		told += n
	}
	// A process may have been killed between an increment and the line for it.
	if got < told || got > told+killed {
		t.Errorf("seed %d: counted %d, want %d, and up to %d more", seed, got, told, killed)
	}
	t.Logf("seed %d: counted %d, %v told", seed, got, counts)
}

func TestKilledProcessStopsNobody(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	rec := newRecord(counter)
	save(t, store, rec)
	p, err := start(t.Context(), "hold", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.stdin.Close()
	if p.done(1) != 1 {
		t.Fatal("the process does not hold the lock")
	}

	next := newRecord(counter)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := store.Save(ctx, next, rec.Version); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Save while another process holds the lock: got %v, want DeadlineExceeded", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := store.Delete(ctx, counter); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete while another process holds the lock: got %v, want Canceled", err)
	}
	if got, err := store.Fetch(t.Context(), counter); err != nil || got.Version != rec.Version {
		t.Errorf("Fetch while another process writes: got %v, %v", got, err)
	}

	if _, err := p.kill(); err != nil {
		t.Fatal(err)
	}
	if err := store.Save(t.Context(), next, rec.Version); err != nil {
		t.Errorf("Save after the process was killed: %v", err)
	}
	if got, err := store.Fetch(t.Context(), counter); err != nil || got.Version != next.Version {
		t.Errorf("Fetch after the process was killed: got %v, %v", got, err)
	}
	if got, want := files(t, dir), []string{filestore.FileName(counter)}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}
