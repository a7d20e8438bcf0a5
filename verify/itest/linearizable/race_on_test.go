//go:build race

package linearizable_test

const race = true
