//go:build !unix

package testserver

import "os/exec"

// No server is started on this system: newReaper returns an error before any of these is
// called.

func freeze(int)                {}
func thaw(int)                  {}
func kill(int)                  {}
func children(int) []int        { return nil }
func state(int) byte            { return 0 }
func asNobody(*exec.Cmd)        {}
func giveToNobody(string) error { return nil }
