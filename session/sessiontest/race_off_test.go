//go:build !race

package sessiontest_test

const raceDetector = false
