package verify

import (
	"testing"
	"time"
)

// TestReaders: the second reader stays where two are clearly faster, is sent
// away where they are not, and is tried again when the target has changed.
func TestReaders(t *testing.T) {
	const rows = 15_000
	for _, c := range []struct {
		name       string
		alone, two time.Duration // for a span
		want       bool
	}{
		{"twice as fast", 60 * time.Millisecond, 30 * time.Millisecond, true},
		{"hardly faster", 60 * time.Millisecond, 57 * time.Millisecond, false},
		{"slower", 30 * time.Millisecond, 36 * time.Millisecond, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r readers
			now, slow := time.Now(), 0
			spans := func(n int, alone, two time.Duration) {
				for range n {
					took := alone
					if r.second {
						took = two
					}
					if r.second != c.want {
						slow++
					}
					now = now.Add(took)
					r.told(rows, now)
				}
			}
			const trial = 2 * (settleSpans + trialSpans)
			spans(trial, c.alone, c.two)
			for range betweenTrials {
				if r.second != c.want {
					t.Fatalf("second reader: %v", r.second)
				}
				spans(1, c.alone, c.two)
			}
			spans(10_000, c.alone, c.two)
			if slow > (10_000+betweenTrials+trial)/30 {
				t.Errorf("%d spans went the slower way", slow)
			}
			// The other way round from now on.
			c.want = !c.want
			other := 60 * time.Millisecond
			if c.want {
				other = 20 * time.Millisecond
			}
			spans(betweenTrials+2*trial, 50*time.Millisecond, other)
			if r.second != c.want {
				t.Errorf("second reader: %v after a change", r.second)
			}
		})
	}
}
