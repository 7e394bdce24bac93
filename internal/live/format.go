package live

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// gap separates the parts of a line.
const gap = "  "

// status is how the load as a whole does.
func status(f *Frame) string {
	parts := []string{
		"asked " + rate(f.Asked) + "/s", "done " + rate(f.Done) + "/s", "errors " + count(f.Errors), "retries " + count(f.Retries),
	}
	if f.Shed > 0 {
		parts = append(parts, "shed "+count(f.Shed))
	}
	return strings.Join(append(parts,
		"queue "+count(int64(f.Queue)), fmt.Sprintf("in flight %d of %d", f.InFlight, f.Workers), fmt.Sprintf("own CPU %.0f %%", 100*f.CPU)), gap)
}

// clock is how far it is.
func clock(f *Frame) string {
	switch {
	case f.Elapsed < 0:
		return short(-f.Elapsed) + " to go"
	case f.Total == 0:
		return short(f.Elapsed)
	}
	return short(min(f.Elapsed, f.Total)) + " of " + short(f.Total)
}

// short writes a time to the second: 7s, 3m20s, 2h5m0s.
func short(d time.Duration) string { return d.Round(time.Second).String() }

// latency writes a time in at most eight columns with three figures.
func latency(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Millisecond:
		return fmt.Sprintf("%d us", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// rate writes a number per second in at most eight columns.
func rate(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.1f", v)
	}
	return humanize.Comma(int64(v + .5))
}

func count(n int64) string { return humanize.Comma(n) }
