package progress

import (
	"fmt"
	"time"

	"leap/internal/event"
)

// pace is what holds a run back at the moment.
type pace struct {
	known bool    // somebody looks after the pace at all
	share float64 // 0 paused, 1 full speed
	told  time.Time
}

// grade tells full speed, held back and paused apart.
func (p pace) grade() int {
	switch {
	case !p.known || p.share >= 1:
		return 2
	case p.share > 0:
		return 1
	}
	return 0
}

// label is the pace in a few characters; empty at full speed.
func (p pace) label() string {
	switch p.grade() {
	case 0:
		return "paused"
	case 1:
		return fmt.Sprintf("at %.0f %%", p.share*100)
	}
	return ""
}

// setPace remembers the pace for what is shown all the time, and tells a
// change of grade at once and smaller ones at most once in an interval.
func (b *board) setPace(e event.Event, now time.Time) {
	before := b.pace
	b.pace.known, b.pace.share = true, e.Share
	if b.pace.grade() == before.grade() && now.Sub(before.told) < b.interval {
		return
	}
	b.pace.told = now
	b.say(maxWaiting, line(b.name(e), "", e.Message))
}
