package loadgen

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"leap/internal/fault"
	"leap/internal/hist"
)

// TestSpectrumIsTheHistograms: every point is a rank of the histogram, and the
// points go on to the largest value.
func TestSpectrumIsTheHistograms(t *testing.T) {
	for _, n := range []int64{0, 1, 2, 10, 12_345} {
		h := hist.New()
		for v := range n {
			h.Record(time.Duration(v+1) * 100 * time.Microsecond)
		}
		s := spectrumOf("get", hist.Response, h)
		if s.Count != n || (len(s.Points) == 0) != (n == 0) {
			t.Fatalf("%d values: %+v", n, s)
		}
		var before SpectrumPoint
		for _, p := range s.Points {
			if p.UpTo <= before.UpTo || p.Millis <= before.Millis {
				t.Errorf("%d values: %+v after %+v", n, p, before)
			}
			// A slot holds values that differ by a thousandth, or by a microsecond.
			if want := float64(p.UpTo) / 10; math.Abs(p.Millis-want) > want/500+.001 || p.Percentile != 100*float64(p.UpTo)/float64(n) {
				t.Errorf("%d values: %+v, want %v ms", n, p, want)
			}
			before = p
		}
		if n > 0 && (before.UpTo != n || before.Millis != s.Max) {
			t.Errorf("%d values end with %+v", n, before)
		}
		if n == 12_345 && (len(s.Points) < 40 || len(s.Points) > 80) {
			t.Errorf("%d points", len(s.Points))
		}
	}
}

// TestSpectraOfStripes: those of two processes are those of one.
func TestSpectraOfStripes(t *testing.T) {
	whole, err := Spectra([]string{striped(t, "", nil)}, "", "response")
	if err != nil {
		t.Fatal(err)
	}
	dirs := []string{striped(t, "1/2", nil), striped(t, "2/2", nil)}
	joined, err := Spectra(dirs, "", "response")
	if err != nil {
		t.Fatal(err)
	}
	if len(whole) != len(joined) || len(whole) == 0 {
		t.Fatalf("%d and %d spectra", len(whole), len(joined))
	}
	for n := range whole {
		if a, b := whole[n], joined[n]; a.Count == 0 || a.Count != b.Count || len(a.Points) != len(b.Points) || a.Points[len(a.Points)-1] != b.Points[len(b.Points)-1] {
			t.Errorf("%+v\n%+v", a, b)
		}
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err = WritePage(dirs, file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("<dt>stripes</dt><dd>%s, %s</dd>", dirs[0], dirs[1]); !strings.Contains(string(text), want) {
		t.Errorf("the page does not say %s", want)
	}
	for _, wrong := range [][2]string{{"nonsense", "response"}, {"", "nonsense"}} {
		if _, err := Spectra(dirs, wrong[0], wrong[1]); fault.ClassOf(err) != fault.Usage {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}
