package bench

import "runtime/debug"

// gcPercent lets garbage grow to four times of what is alive, some ten megabytes,
// before it is collected: collections then come seldom enough not to be seen in a
// p99.9. What comes after a run reads all of it, and has the usual percentage.
const gcPercent = 400

// relaxCollector sets it until restore is called, unless somebody chose another one
// by GOGC.
func relaxCollector() (restore func()) {
	const usual = 100
	was := debug.SetGCPercent(gcPercent)
	if was != usual {
		debug.SetGCPercent(was)
	}
	return func() { debug.SetGCPercent(was) }
}
