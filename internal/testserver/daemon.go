package testserver

import (
	"fmt"
	"os/exec"
)

// findDaemon returns the path of a program that Debian has in a package of the same name,
// and in /usr/sbin, which is not in every PATH.
func findDaemon(name, title string) (string, error) {
	for _, at := range []string{name, "/usr/sbin/" + name} {
		if program, err := exec.LookPath(at); err == nil {
			return program, nil
		}
	}
	return "", missing(fmt.Sprintf("install %s (Debian: apt-get install %s)", title, name))
}
