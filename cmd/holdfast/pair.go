package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"github.com/holdfast-go/holdfast/internal/storeurl"
)

const (
	fromEnv = "HOLDFAST_FROM"
	toEnv   = "HOLDFAST_TO"
)

// pairOptions are the values of the flags of commands with two stores.
type pairOptions struct {
	fromURL, toURL           string
	dryRun, verifies, cleans bool
	creates                  bool
	replaces, revives        bool
	parallel                 int
}

// maxParallel limits the calls at a time; each holds a record in memory.
const maxParallel = 1000

// pairFlag defines a flag of commands with two stores, if that is the name of one.
func (j *job) pairFlag(fs *flag.FlagSet, name string) {
	switch name {
	case "from":
		fs.StringVar(&j.fromURL, name, "", "the `URL` of the store that has the records; by default $"+fromEnv)
	case "to":
		fs.StringVar(&j.toURL, name, "", "the `URL` of the store that gets them; by default $"+toEnv)
	case "dry-run":
		fs.BoolVar(&j.dryRun, name, false, "move nothing; count what would be moved, and what would be refused")
	case "verify":
		fs.BoolVar(&j.verifies, name, false, "change nothing; compare the stores")
	case "clean":
		fs.BoolVar(&j.cleans, name, false, "remove the markers that move has left in -from, when no program uses it any more")
	case "create":
		fs.BoolVar(&j.creates, name, false, "make the table or directory that -to needs")
	case "replace":
		fs.BoolVar(&j.replaces, name, false, "replace other records of the same IDs in -to, or the file")
	case "revive":
		fs.BoolVar(&j.revives, name, false, "restore a backup, with sessions that have been ended since it was made")
	case "parallel":
		fs.IntVar(&j.parallel, name, 8, "work on `N` records at a time")
	}
}

// pair is the two stores of a command. A backup is none of them: its store is nil.
type pair struct{ from, to *storeurl.Opened }

// between opens both stores and runs c.
func (j *job) between(ctx context.Context, c *command) (err error) {
	j.fromURL, j.toURL = cmp.Or(j.fromURL, j.getenv(fromEnv)), cmp.Or(j.toURL, j.getenv(toEnv))
	if err := j.checkPair(c); err != nil {
		return err
	}
	if j.seals, err = newSeals(j.getenv(sealsEnv)); err != nil {
		return err
	}
	if !isBackup(j.fromURL) {
		if j.from, err = j.open(ctx, j.fromURL); err != nil {
			return fmt.Errorf("-from: %w", err)
		}
		defer j.from.Close()
	}
	if !isBackup(j.toURL) {
		open := j.open
		if j.creates {
			open = j.create
		}
		if j.to, err = open(ctx, j.toURL); err != nil {
			return fmt.Errorf("-to: %w", err)
		}
		defer j.to.Close()
	}
	return c.run(ctx, j)
}

// checkPair returns what is wrong with the flags.
func (j *job) checkPair(c *command) error {
	backups := 0
	for _, flag := range []struct{ name, url, env string }{{"-from", j.fromURL, fromEnv}, {"-to", j.toURL, toEnv}} {
		switch {
		case flag.url == "":
			return usageError(fmt.Sprintf("which store? Give %s URL, or set %s; see holdfast help %s", flag.name, flag.env, c.name))
		case strings.HasPrefix(flag.url, "memory:"):
			return usageError(flag.name + ": the memory of another program cannot be read or written")
		case isBackup(flag.url):
			backups++
		}
	}
	switch {
	case j.storeURL != "":
		return usageError("holdfast " + c.name + " has no -store; give -from and -to")
	case j.fromURL == j.toURL:
		return usageError("-from and -to are the same store")
	case j.parallel < 1 || j.parallel > maxParallel:
		return usageError(fmt.Sprintf("-parallel is not in the range of 1 to %d", maxParallel))
	case backups > 0 && c.name == "move":
		return usageError("a backup is not a store; use holdfast copy")
	case backups > 1:
		return usageError("-from and -to are both backups; copy the file itself")
	}
	return nil
}

const backupScheme = "backup:"

// isBackup reports whether a URL names a backup. The scheme is not file:, which names a
// directory that a program can run on; nothing can run on a backup.
func isBackup(storeURL string) bool { return strings.HasPrefix(storeURL, backupScheme) }

// backupPath returns the path of backup:file or backup:///file.
func backupPath(storeURL string) (string, error) {
	path := strings.TrimPrefix(storeURL, backupScheme)
	if rest, ok := strings.CutPrefix(path, "//"); ok {
		if path = rest; !strings.HasPrefix(path, "/") {
			return "", usageError("a backup is a file of this machine: backup:file or backup:///directory/file")
		}
	}
	path, err := url.PathUnescape(path)
	if err != nil || path == "" || strings.HasSuffix(path, "/") {
		return "", usageError("which file? Give backup:file or backup:///directory/file, with % as %25")
	}
	return path, nil
}

// explain adds to an error of store, which is that of flag, what may help.
func (j *job) explain(err error, flag string, store *storeurl.Opened) error {
	if isMissing(err) && store.Needs != "" && flag == "-to" && !j.creates {
		return fmt.Errorf("%s: %w; if %s does not exist, give -create", flag, err, store.Needs)
	}
	return fmt.Errorf("%s: %w", flag, err)
}
