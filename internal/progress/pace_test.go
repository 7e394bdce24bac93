package progress

import (
	"strings"
	"testing"
	"time"

	"leap/internal/event"
)

func TestPaceIsToldAndShown(t *testing.T) {
	b := newBoard(time.Minute)
	now := time.Now()
	b.apply(event.Event{Kind: event.PhaseStarted, Phase: "copy"}, now)
	for i, c := range []struct {
		share float64
		text  string
		lines int    // told at this change
		label string // on the phase's line from then on
	}{
		{0.5, "held back to 50 %", 1, "at 50 %"},
		{0.25, "held back to 25 %", 0, "at 25 %"}, // smaller changes come at most once in an interval
		{0, "paused by ops", 1, "paused"},
		{1, "at full speed", 1, ""},
	} {
		b.apply(event.Event{Kind: event.PaceChanged, Share: c.share, Message: c.text}, now)
		f := b.frame(now)
		if len(f.lines) != c.lines || c.lines > 0 && f.lines[0] != "copy  "+c.text {
			t.Errorf("%d: lines %q", i, f.lines)
		}
		p := f.phases[0]
		if !strings.HasSuffix(p.label(), c.label) || !strings.HasSuffix(p.text(), c.label) || c.label == "" && p.label() != "copy" {
			t.Errorf("%d: bar %q, line %q", i, p.label(), p.text())
		}
	}
	b.apply(event.Event{Kind: event.PaceChanged, Share: 0.5, Message: "again"}, now)
	b.apply(event.Event{Kind: event.PaceChanged, Share: 0.25, Message: "later"}, now.Add(2*time.Minute))
	if f := b.frame(now); len(f.lines) != 2 {
		t.Errorf("an interval later: %q", f.lines)
	}
}
