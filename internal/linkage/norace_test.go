//go:build !race

package linkage_test

const raceDetector = false
