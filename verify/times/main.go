// Times prints where the time of tests goes. It reads the output of go test -v from the
// files that it is called with, such as those that make test leaves in .ci/log:
//
//	go run ./verify/times .ci/log/*.log
//
// The table has a row for each package, the slowest first, with its slowest test. Packages
// that are tested side by side take the time of each other's tests, so the sum is more than
// the time of the run.
package main

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("times: ")
	least := flag.Duration("least", time.Second, "leave out packages whose tests take less")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: times [-least duration] file...\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	var packages []testedPackage
	for _, name := range flag.Args() {
		found, err := read(name)
		if err != nil {
			log.Fatal(err)
		}
		packages = append(packages, found...)
	}
	if err := writeTable(os.Stdout, packages, *least); err != nil {
		log.Fatal(err)
	}
}

func read(name string) ([]testedPackage, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w; make test writes it", err)
	}
	defer f.Close()
	packages, err := parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return packages, nil
}

// A testedPackage is a package whose tests have run.
type testedPackage struct {
	path    string
	took    time.Duration
	slowest test
}

// A test is a test function.
type test struct {
	name string
	took time.Duration
}

var (
	testEnd    = regexp.MustCompile(`^--- (?:PASS|FAIL|SKIP): (\S+) \(([0-9.]+s)\)`)
	packageEnd = regexp.MustCompile(`^(?:ok  |FAIL)\t(\S+)\t(\(cached\)|[0-9.]+s)`)
)

// parse returns the packages in the output of go test -v, in its order. A package whose
// result was cached took no time.
func parse(r io.Reader) ([]testedPackage, error) {
	var packages []testedPackage
	var slowest test // of the package whose lines are read
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if m := testEnd.FindStringSubmatch(lines.Text()); m != nil {
			if took := duration(m[2]); took > slowest.took {
				slowest = test{m[1], took}
			}
		}
		if m := packageEnd.FindStringSubmatch(lines.Text()); m != nil {
			packages = append(packages, testedPackage{m[1], duration(m[2]), slowest})
			slowest = test{}
		}
	}
	return packages, lines.Err()
}

// duration returns the duration that go test has printed, 0 for another text.
func duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}

// writeTable writes a Markdown table of the packages that took least or more.
func writeTable(w io.Writer, packages []testedPackage, least time.Duration) error {
	var sum, rest time.Duration
	fewer := 0
	var b strings.Builder
	b.WriteString("| package | seconds | slowest test | seconds |\n|---|--:|---|--:|\n")
	slices.SortStableFunc(packages, func(a, b testedPackage) int { return cmp.Compare(b.took, a.took) })
	for _, p := range packages {
		sum += p.took
		if p.took < least {
			fewer++
			rest += p.took
			continue
		}
		fmt.Fprintf(&b, "| %s | %.0f | %s | %.0f |\n", strings.TrimPrefix(p.path, "github.com/holdfast-go/holdfast/"), p.took.Seconds(), p.slowest.name, p.slowest.took.Seconds())
	}
	fmt.Fprintf(&b, "| %d others | %.0f | | |\n| sum | %.0f | | |\n", fewer, rest.Seconds(), sum.Seconds())
	_, err := io.WriteString(w, b.String())
	return err
}
