package page

import (
	"bytes"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func written(t *testing.T, r *Report) string {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, r); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// TestThePageStandsAlone looks for anything that a browser would fetch. The
// browser test looks at what it really fetches; this one runs everywhere.
func TestThePageStandsAlone(t *testing.T) {
	page := written(t, sample())
	outside := regexp.MustCompile(`(?i)<link\b|<img\b|<iframe\b|<[a-z]+[^<>]*\ssrc\s*=|@import|url\(`)
	if at := outside.FindStringIndex(page); at != nil {
		t.Errorf("the page refers to something outside: %q", page[at[0]:min(at[1]+60, len(page))])
	}
	for _, want := range []string{"default-src 'none'", "The MIT License", "Leon Sorokin"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

func TestTheTablesHaveTheNumbers(t *testing.T) {
	page := written(t, sample())
	body, _, _ := strings.Cut(page, `<script type="application/json"`)
	for _, want := range []string{
		"✗ fail", "payment_submit.p99&lt;200ms</code>", "203 to 226 ms", "? inconclusive",
		"36,000", "40001 RETRY_SERIALIZABLE", "412", "every acknowledged payment exists exactly once",
		"the server did not answer", "60.0 to 65.0", "serializable", "at most 41",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the tables have no %q", want)
		}
	}
}

// TestNamesStayText: names come from a workload file and messages of a server.
func TestNamesStayText(t *testing.T) {
	page := written(t, sample())
	for _, bad := range []string{"<img src=x", "payment_submit </script>"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q reached the page as HTML", bad)
		}
	}
	if got := strings.Count(page, "</script>"); got != 3 {
		t.Errorf("%d ends of scripts, want those of the data, the library and the charts", got)
	}
}

func TestWriteTellsThatTheDiskIsFull(t *testing.T) {
	full := errors.New("no space")
	if err := Write(failing{full}, sample()); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestValuesWriteGapsAsNull(t *testing.T) {
	for _, c := range []struct {
		values Values
		want   string
	}{
		{nil, "[]"},
		{Values{0}, "[0]"},
		{Values{1.23456789, math.NaN(), math.Inf(1), 1e9}, "[1.23457,null,null,1e+09]"},
	} {
		got, err := c.values.MarshalJSON()
		if err != nil || string(got) != c.want {
			t.Errorf("got %s, %v, want %s", got, err, c.want)
		}
	}
}

func TestMillis(t *testing.T) {
	got := map[float64]string{}
	want := map[float64]string{
		0: "0.000", 0.0004: "0.000", 0.123: "0.123", 0.9994: "0.999", 0.9996: "1.00", 1.234: "1.23", 9.994: "9.99", 9.996: "10.0",
		99.94: "99.9", 99.96: "100", 999.4: "999", 1000: "1,000", 61_234.5: "61,235",
	}
	for ms := range want {
		got[ms] = millis(ms)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := millis(math.NaN()); got != "–" {
		t.Errorf("a gap is %q", got)
	}
}
