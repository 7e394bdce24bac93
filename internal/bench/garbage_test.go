package bench

import (
	"runtime/debug"
	"testing"
)

func TestRelaxCollector(t *testing.T) {
	now := func() int {
		percent := debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		return percent
	}
	defer debug.SetGCPercent(now())
	for chosen, want := range map[int]int{100: gcPercent, 50: 50, -1: -1} {
		debug.SetGCPercent(chosen)
		restore := relaxCollector()
		if got := now(); got != want {
			t.Errorf("GOGC=%d: %d during the run, want %d", chosen, got, want)
		}
		restore()
		if got := now(); got != chosen {
			t.Errorf("GOGC=%d: %d after the run", chosen, got)
		}
	}
}
