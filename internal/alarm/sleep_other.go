//go:build !linux

package alarm

// newSleeper returns a sleeper; spinning makes up for part of its coarseness.
func newSleeper() (sleeper, error) { return newTimer(), nil }
