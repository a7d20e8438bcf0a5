// Guides keeps the pages that people read true: README.md, docs/ and the other Markdown
// files of the repository.
//
// A Go block of a page names the file that it shows, and may name declarations in it:
//
//	```go docs/code/login/login.go#signIn,signOut
//	```go examples/hello/main.go
//
// The file is compiled and tested like any other, and the block has to show the same code.
// After a change of the code, put it into the pages again:
//
//	go run ./verify/guides -update
//
// The tests of this package check the blocks, the links and the names of the API.
// verify/rehearsal runs the shell commands.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("guides: ")
	root := flag.String("root", ".", "the `folder` of the repository")
	update := flag.Bool("update", false, "put the present code into the pages")
	flag.Parse()
	if flag.NArg() > 0 || !*update {
		flag.Usage()
		os.Exit(2)
	}
	changed, err := updatePages(*root)
	for _, name := range changed {
		fmt.Println(name)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// updatePages puts the present code into the Go blocks of every page, and returns the names
// of the pages that it has changed.
func updatePages(root string) (changed []string, err error) {
	pages, err := readPages(root)
	if err != nil {
		return nil, err
	}
	for _, p := range pages {
		text, err := p.withCode(root)
		if err != nil {
			return changed, err
		}
		if text == p.text {
			continue
		}
		if err := os.WriteFile(p.path(root), []byte(text), 0o666); err != nil {
			return changed, err
		}
		changed = append(changed, p.name)
	}
	return changed, nil
}
