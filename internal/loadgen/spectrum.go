package loadgen

import (
	"slices"
	"strings"

	"leap/internal/fault"
	"leap/internal/hist"
	"leap/internal/page"
	"leap/internal/record"
)

// Spectrum is a distribution at full resolution.
type Spectrum struct {
	Op     string          `json:"operation"`
	Series string          `json:"series"`
	Count  int64           `json:"count"`
	Mean   float64         `json:"mean_ms"`
	SD     float64         `json:"standard_deviation_ms"`
	Max    float64         `json:"max_ms"`
	Points []SpectrumPoint `json:"points"`
}

// SpectrumPoint says that UpTo values, which are Percentile of all, are at most
// Millis.
type SpectrumPoint struct {
	Millis     float64 `json:"ms"`
	Percentile float64 `json:"percentile"`
	UpTo       int64   `json:"up_to"`
}

// AllOps names all operations together.
const AllOps = "all operations"

// Spectra returns the distributions of a series of a run, or of all stripes of
// one: those of one operation, or of all together and each where op is empty.
func Spectra(dirs []string, op, series string) ([]Spectrum, error) {
	which, ok := hist.ParseSeries(series)
	if !ok {
		return nil, fault.New(fault.Usage, "there are "+strings.Join(hist.SeriesNames(), ", "), "there is no series %q", series)
	}
	e, err := readStripes(dirs)
	if err != nil {
		return nil, err
	}
	ops := e.run.Ops
	if op != "" {
		n := slices.IndexFunc(ops, func(o *hist.OpStats) bool { return o.Name == op })
		if n < 0 {
			var names []string
			for _, o := range ops {
				names = append(names, o.Name)
			}
			return nil, fault.New(fault.Usage, "it has "+strings.Join(names, ", "), "the run has no operation %q", op)
		}
		ops = ops[n : n+1]
	} else if len(ops) > 1 {
		ops = append([]*hist.OpStats{hist.Sum(AllOps, ops)}, ops...)
	}
	var out []Spectrum
	for _, o := range ops {
		out = append(out, spectrumOf(o.Name, which, o.Series[which]))
	}
	return out, nil
}

// ticks is how many points lie between a percentile and the one half way from it
// to 100, as in the public tools' files.
const ticks = 5

// spectrumOf steps through a histogram in the way of HdrHistogram's
// outputPercentileDistribution: the nearer to 100 %, the smaller the steps. It
// ends with the largest value; a step without another value is left out.
func spectrumOf(op string, series hist.Series, h *hist.Histogram) Spectrum {
	m := h.Moments()
	s := Spectrum{
		Op: op, Series: series.String(), Count: h.Count(), Mean: millis(h.Mean()), SD: m.Deviation / 1e6, Max: millis(h.Max()), Points: []SpectrumPoint{},
	}
	last := int64(-1)
	for at, step := 0.0, 100.0/2/ticks; h.Count() > 0; {
		for range ticks {
			rank := hist.Rank(h.Count(), at)
			value := h.AtRank(rank)
			if upTo := h.CountUpTo(value); upTo != last {
				s.Points = append(s.Points, SpectrumPoint{Millis: millis(value), Percentile: 100 * float64(upTo) / float64(h.Count()), UpTo: upTo})
				last = upTo
			}
			if last == h.Count() {
				return s
			}
			at += step
		}
		step /= 2
	}
	return s
}

// WritePage writes the HTML report of a run, or of all stripes of one, to a file.
func WritePage(dirs []string, file string) error {
	if len(dirs) == 0 {
		return errNoDirectory
	}
	_, p, err := judgeRun(dirs, nil)
	if err != nil {
		return err
	}
	var out strings.Builder
	if err := page.Write(&out, p); err != nil {
		return err
	}
	return record.WriteFile(file, []byte(out.String()))
}
