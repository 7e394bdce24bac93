package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// TestMemoryLimitGrows with what is alive, and shrinks again.
func TestMemoryLimitGrows(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	const most, large = 1 << 30, 64 << 20
	limitMemory(most / 32)
	alive := make([]byte, large)
	reach := func(from, to int64) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; runtime.GC() {
			got := debug.SetMemoryLimit(-1)
			if got >= from && got <= to {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the limit is %d, want %d to %d", got, from, to)
			}
		}
	}
	reach(2*large, math.MaxInt64-1)
	runtime.KeepAlive(alive)
	reach(most/32, 2*large-1)
}
