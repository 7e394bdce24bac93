package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// gcPercent lets garbage grow to four times the live heap before it is
// collected: collections then come seldom enough not to be seen in a p99.9.
// The live heap is some ten megabytes. GOGC overrides it.
const gcPercent = 400

// memoryLimit ends that where the heap is large: to judge a run, its seconds are
// all read, some 100 MB for an hour of the bank. GOMEMLIMIT overrides it.
const memoryLimit = 1 << 30

// limitMemory sets a limit and raises it to twice of what is alive: near a limit
// that stays, the collector does hardly let the program work any more.
func limitMemory(limit int64) {
	now := limit
	debug.SetMemoryLimit(now)
	type sentinel struct{ _ *byte }
	var collected func(*sentinel) // after each collection
	collected = func(s *sentinel) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if next := max(limit, 2*int64(live[0].Value.Uint64())); next != now { //nolint:gosec // no heap is that large
			now = next
			debug.SetMemoryLimit(now)
		}
		runtime.SetFinalizer(s, collected)
	}
	runtime.SetFinalizer(&sentinel{}, collected)
}
