// Command rehearsal does what a newcomer does with the published modules, before they are
// published. From a commit it builds a module proxy on the disk, and runs the commands of
// README.md and of the guides with it in empty folders: go get, go install, the programs.
//
//	make rehearsal
//
// It runs every block of shell commands of those pages, one after the other, each in the
// folder that the block before it has ended in. A page begins in an empty folder. A comment
// before a block says what is different about it:
//
//	<!-- rehearsal: serves -->              the last command is a server, of which the first URL that it prints is read
//	<!-- rehearsal: in hello -->            it begins in the folder hello; also "serves in hello"
//	<!-- rehearsal: hello/main.go -->       a block of another language, to be written to that file
//	<!-- rehearsal: not run: the reason --> it is left out
//
// With -tidy it compares the go.mod and go.sum files of the working tree with those that
// "go mod tidy" writes, which needs the proxy for the modules that require each other;
// with -tidy -w it writes them.
package main
