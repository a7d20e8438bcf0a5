// Package measure holds the benchmarks of Holdfast and other session libraries. "go run
// ." in the folder above runs them and writes the tables.
package measure
