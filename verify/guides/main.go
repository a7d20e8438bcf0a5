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
// A block of shell commands says in which place they run. A rehearsal of the commands
// gets the blocks as JSON from
//
//	go run ./verify/guides -commands
//
// The tests of this package check the blocks, the links and the names of the API.
package main

import (
	"encoding/json"
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
	commands := flag.Bool("commands", false, "print the blocks of shell commands, one JSON object per line")
	flag.Parse()
	if flag.NArg() > 0 || *update == *commands {
		flag.Usage()
		os.Exit(2)
	}
	run := updatePages
	if *commands {
		run = printCommands
	}
	if err := run(*root); err != nil {
		log.Fatal(err)
	}
}

// updatePages puts the present code into the Go blocks of every page.
func updatePages(root string) error {
	pages, err := readPages(root)
	if err != nil {
		return err
	}
	for _, p := range pages {
		text, err := p.withCode(root)
		if err != nil {
			return err
		}
		if text == p.text {
			continue
		}
		if err := os.WriteFile(p.path(root), []byte(text), 0o666); err != nil {
			return err
		}
		fmt.Println(p.name)
	}
	return nil
}

// printCommands prints the blocks of shell commands.
func printCommands(root string) error {
	pages, err := readPages(root)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	for _, p := range pages {
		for _, c := range p.commands() {
			if err := out.Encode(c); err != nil {
				return err
			}
		}
	}
	return nil
}
