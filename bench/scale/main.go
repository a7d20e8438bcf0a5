// Command scale measures what many sessions in one store take, and writes the results into
// docs: the section "Measured" of scale.md, and scale.txt with the figures.
//
//	go run ./scale                          a million sessions, and five million in Redis Cluster
//	go run ./scale -sessions 100000 -cluster 100000 -out /tmp
//	go run ./scale -from ../docs/scale.txt  only writes the section again
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/holdfast-go/holdfast/bench/internal/benchfile"
)

const docs = "../docs"

// defaults are the sizes that the section in docs has.
var defaults = sizes{sessions: 1_000_000, cluster: 5_000_000}

func main() {
	log.SetFlags(0)
	var s sizes
	flag.IntVar(&s.sessions, "sessions", defaults.sessions, "the `number` of sessions in each store but Redis Cluster, rounded down to a multiple of 1,000")
	flag.IntVar(&s.cluster, "cluster", defaults.cluster, "the `number` of sessions in Redis Cluster, rounded down to a multiple of 1,000")
	flag.StringVar(&s.only, "only", "", "measure only the stores that match this `pattern`: SQLite, PostgreSQL, Redis$ or Redis-Cluster")
	from := flag.String("from", "", "write the section from this `file` of an earlier run")
	out := flag.String("out", docs, "the `folder` to write to")
	flag.Parse()
	if err := run(s, *from, *out); err != nil {
		log.Fatal("scale: ", err)
	}
}

func run(s sizes, from, out string) error {
	if from == "" {
		if s != defaults && out == docs {
			return errors.New("other sizes, and -only, need -out: the page in " + docs + " has them all")
		}
		from = filepath.Join(out, "scale.txt")
		if err := measure(s, from); err != nil {
			return err
		}
	}
	read, err := benchfile.ReadFile(from)
	if err != nil {
		return err
	}
	name := filepath.Join(out, "scale.md")
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text, err := page(string(old), &results{read})
	if err != nil {
		return err
	}
	fmt.Println(text)
	return os.WriteFile(name, []byte(text), 0o644)
}
