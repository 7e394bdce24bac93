package text

import (
	"fmt"
	"strings"

	"leap/internal/loadgen"
)

// Spectrum writes a distribution in the form of HdrHistogram's own tools, which
// their plotters read: values are milliseconds.
func Spectrum(s loadgen.Spectrum) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s of %s, ms\n\n%12s %14s %10s %14s\n\n", s.Series, s.Op, "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	for _, p := range s.Points {
		inverse := fmt.Sprintf("%14.2f", 100/(100-p.Percentile))
		if p.UpTo == s.Count {
			inverse = fmt.Sprintf("%14s", "inf")
		}
		fmt.Fprintf(&out, "%12.3f %14.12f %10d %s\n", p.Millis, p.Percentile/100, p.UpTo, inverse)
	}
	fmt.Fprintf(&out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n#[Max     = %12.3f, Total count    = %12d]\n", s.Mean, s.SD, s.Max, s.Count)
	return out.String()
}
