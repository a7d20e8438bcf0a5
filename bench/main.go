// Command bench measures Holdfast and other session libraries and writes the results into
// ../docs: performance.md, its charts, and performance.txt, which benchstat reads.
//
//	go run .           all of it, in some minutes
//	go run . -long     with more and longer rounds
//	go run . -from ../docs/performance.txt   only writes the page again
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"

	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
)

const docs = "../docs"

func main() {
	log.SetFlags(0)
	long := flag.Bool("long", false, "measure more and longer rounds")
	only := flag.String("only", "", "measure only the `groups` that match: "+groupNames())
	from := flag.String("from", "", "write the page from this `file` of an earlier run")
	out := flag.String("out", docs, "the `folder` to write to")
	flag.Parse()
	if err := run(*long, *only, *from, *out); err != nil {
		log.Fatal("bench: ", err)
	}
}

func run(long bool, only, from, out string) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if only != "" && out == docs {
		return errors.New("-only needs -out: the page in " + docs + " has all groups")
	}
	if from == "" {
		from = filepath.Join(out, "performance.txt")
		if err := measure(plan(long, pattern), from); err != nil {
			return err
		}
	}
	read, err := benchfile.ReadFile(from)
	if err != nil {
		return err
	}
	found := &results{read}
	if err := drawCharts(found, out); err != nil {
		return err
	}
	text, err := page(found)
	if err != nil {
		return err
	}
	fmt.Println(text)
	if err := os.WriteFile(filepath.Join(out, "performance.md"), []byte(text), 0o644); err != nil || out != docs {
		return err
	}
	return updateChooser(filepath.Join(docs, "stores.md"), found.storeTable())
}
