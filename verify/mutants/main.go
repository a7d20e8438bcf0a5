// Command mutants leaves out the rules of docs/protocol.md and DESIGN.md, one at
// a time, and shows which test notices.
//
//	go run ./verify/mutants                      all of them
//	go run ./verify/mutants -run 'tombstone'     some, by their text or section
//	go run ./verify/mutants -claims docs/security.md
//	                                               those that a document names, with the tests it names
//
// A mutant is an edit of one package. It is built with the go command's
// -overlay, so the work tree is not touched, and meets the tests in the order of
// what they cost: those named after the rules, the random programs of
// verify/sim, all others. It is caught by the first test that fails, and fails
// again when it is run by itself. A mutant that no test catches is an error, and
// so is one that does not fit the code any more or does not compile.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"sync"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("mutants: ")
	var (
		run       = flag.String("run", "", "only the mutants whose section or rule, or the claims whose name, matches this `regexp`")
		workers   = flag.Int("j", 2, "how many mutants to try at once")
		out       = flag.String("out", "", "write the table to this `file`, too")
		programs  = flag.Int("programs", 10000, "how many random programs a mutant has to survive")
		bound     = flag.Duration("bound", 2*time.Minute, "how long a test binary may run before it counts as hanging")
		verifying = flag.Bool("verify", false, "only see whether the mutants still fit the code and compile")
		document  = flag.String("claims", "", "prove the claims of this `file`: its tests fail without its rules")
		http      = flag.Bool("http", true, "run also the tests over real connections, which are slow")
	)
	flag.Parse()
	pattern, err := regexp.Compile(*run)
	if err != nil {
		log.Fatal(err)
	}
	b, err := newRunner(*programs, *bound, *http)
	if err != nil {
		log.Fatal(err)
	}
	if *document != "" {
		err = b.proveClaims(*document, pattern)
	} else {
		err = b.tryAll(choose(pattern), *verifying, *workers, *out)
	}
	_ = os.RemoveAll(b.temp)
	if err != nil {
		log.Fatal(err)
	}
}

// tryAll tries the mutants, if they fit, and writes down what became of them.
func (b *runner) tryAll(chosen []*mutant, verifying bool, workers int, out string) error {
	f, err := newVerifier(b.root)
	if err != nil {
		return err
	}
	if n := f.verifyAll(chosen, func(m *mutant, err error) { log.Printf("%v: %v", m.rule, err) }); n > 0 {
		return fmt.Errorf("%d mutants do not fit the code", n)
	}
	if verifying {
		return nil
	}
	if err := b.plan(chosen); err != nil {
		return err
	}
	bad := b.tryEach(chosen, workers)
	if err := write(out); err != nil {
		return err
	}
	if n := b.unsound(); bad > 0 || n > 0 {
		return fmt.Errorf("%d mutants were not caught, %d tests fail without any", bad, n)
	}
	return nil
}

// choose returns the mutants that pattern chooses.
func choose(pattern *regexp.Regexp) (chosen []*mutant) {
	for _, s := range sections {
		for i := range s.mutants {
			if m := &s.mutants[i]; pattern.MatchString(s.title) || pattern.MatchString(m.rule) {
				chosen = append(chosen, m)
			}
		}
	}
	return chosen
}

// tryEach tries the mutants, and returns how many of them were not caught.
func (b *runner) tryEach(chosen []*mutant, workers int) (bad int) {
	next := make(chan *mutant)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for m := range next {
				m.verdict = b.try(m)
				mu.Lock()
				if m.verdict.err != nil {
					bad++
				}
				log.Printf("%v\t%v", m.verdict, m.rule)
				mu.Unlock()
			}
		})
	}
	for _, m := range chosen {
		next <- m
	}
	close(next)
	wg.Wait()
	return bad
}

func write(file string) error {
	table(os.Stdout)
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	table(f)
	return f.Close()
}

// table prints what became of the mutants that were tried.
func table(w io.Writer) {
	fmt.Fprint(w, "# Rules left out, and what notices\n\nWritten by `make mutants`.\n")
	total := 0
	for _, s := range sections {
		first := true
		for _, m := range s.mutants {
			if m.verdict == (verdict{}) {
				continue
			}
			if first {
				fmt.Fprintf(w, "\n## %s\n\n| rule left out | where | caught by |\n|---|---|---|\n", s.title)
			}
			first = false
			total++
			fmt.Fprintf(w, "| %s | %s | %v |\n", m.rule, m.where, m.verdict)
		}
	}
	fmt.Fprintf(w, "\n%d mutants.\n", total)
}
