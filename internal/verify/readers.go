package verify

import "time"

// readers finds out whether a second reader of the target pays. Where the target
// is slower than the source and has processors to spare, it does; where servers
// and client share few processors, all of which are busy anyway, it costs a sixth:
// more switching, and memory of the server's that another process must map. So
// both ways are tried for some spans, and again now and then.
type readers struct {
	second bool // may take spans now

	sent  int // spans since this way began; below 0 until the next trial
	since time.Time
	rows  int64
	alone float64 // seconds for a row with one reader
}

const (
	// settleSpans fill the buffers: while they do, nobody waits for the target.
	settleSpans = batches
	// trialSpans are 120,000 rows of 130 bytes, a fifth of a second at the least.
	trialSpans = 8
	// betweenTrials keeps the slower way below 3 % of all spans.
	betweenTrials = 500
	// worthwhile is how much less time two must take: below that it is chance.
	worthwhile = 0.9
)

// told that a span was sent, it may decide anew.
func (r *readers) told(rows int64, now time.Time) {
	r.sent++
	switch r.sent {
	case 0:
		r.second = false
	case settleSpans:
		r.since, r.rows = now, 0
		return
	case settleSpans + trialSpans:
		took := now.Sub(r.since).Seconds() / float64(max(1, r.rows+rows))
		if !r.second {
			r.alone, r.second, r.sent = took, true, 0
			return
		}
		r.second, r.sent = took < worthwhile*r.alone, -betweenTrials
	}
	r.rows += rows
}
