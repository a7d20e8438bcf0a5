//go:build !race

package migrate_test

const race = false
