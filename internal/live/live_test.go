package live

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func frame(elapsed time.Duration) Frame {
	return Frame{
		Phase: "measuring", Elapsed: elapsed, Total: time.Minute, Asked: 1000, Done: 998.6, Errors: 3, Retries: 1234,
		Queue: 5, InFlight: 12, Workers: 32, CPU: .126, Window: 10 * time.Second,
		Rows: []Row{
			{Name: "all operations", PerSecond: 998.6, P50: 870 * time.Microsecond, P99: 12340 * time.Microsecond, P999: 123 * time.Millisecond, Max: 1234 * time.Millisecond, Errors: 3, Retries: 120},
			{Name: "a_name_that_is_longer_than_its_column", PerSecond: 4.25},
		},
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	d := New(&out, Options{Style: Table, Title: "kv read"})
	d.Show(frame(12 * time.Second))
	d.Close()
	want := `kv read  measuring  12s of 1m0s
asked 1,000/s  done 999/s  errors 3  retries 1,234  queue 5  in flight 12 of 3…

last 10s              per s      p50      p99    p99.9      max errors retries
all operations          999   870 us  12.3 ms   123 ms   1.23 s      3     120
a_name_that_is_lon…     4.2        -        -        -        -      0       0
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// TestTableIsDrawnInPlace: the second picture first removes the one before.
func TestTableIsDrawnInPlace(t *testing.T) {
	var out bytes.Buffer
	s := newTable(&out, Options{Width: 120})
	f := frame(time.Second)
	s.show(nil, &f)
	first := out.Len()
	s.show([]string{"said"}, nil)
	second := out.String()[first:]
	if want := "\x1b[6A\x1b[J" + "said\n"; !strings.HasPrefix(second, want) {
		t.Errorf("the second picture begins with %q, want %q", second[:min(len(second), 20)], want)
	}
	if !strings.Contains(second, "all operations") {
		t.Error("what was said removed the picture")
	}
}

func TestTableFitsTheScreen(t *testing.T) {
	f := frame(time.Second)
	for range 50 {
		f.Rows = append(f.Rows, Row{Name: "op"})
	}
	var out bytes.Buffer
	d := New(&out, Options{Style: Table, Width: 200, Height: 12})
	d.Show(f)
	d.Close()
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 11 || lines[10] != "… and 46 more operations" {
		t.Errorf("%d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

func TestPlainWritesSeldom(t *testing.T) {
	var out bytes.Buffer
	p := newPlain(&out)
	for s := -2; s <= 120; s++ {
		f := frame(time.Duration(s) * time.Second)
		p.show(nil, &f)
	}
	p.show([]string{"said"}, nil)
	var at []string
	for line := range strings.Lines(out.String()) {
		at = append(at, strings.Fields(line + " - -")[1])
	}
	want := []string{"5s", "10s", "15s", "20s", "25s", "30s", "35s", "40s", "45s", "50s", "55s", "1m0s", "1m0s", "1m0s", "-"}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Errorf("%s\n%s", diff, out.String())
	}
	if want := "measuring  5s of 1m0s  asked 1,000/s  done 999/s  errors 3  retries 1,234  queue 5  in flight 12 of 32  own CPU 13 %  p50 870 us  p99 12.3 ms  max 1.23 s\n"; !strings.HasPrefix(out.String(), want) {
		t.Errorf("got  %q\nwant %q", out.String()[:len(want)], want)
	}
}

func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	d := New(&out, Options{Style: JSON})
	d.Say("begun")
	d.Show(frame(time.Second))
	d.Close()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %q", len(lines), out.String())
	}
	var said, shown map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &said); err != nil || said["msg"] != "begun" || len(said) != 2 {
		t.Errorf("%v: %s", err, lines[0])
	}
	if err := json.Unmarshal([]byte(lines[1]), &shown); err != nil {
		t.Fatal(err)
	}
	if shown["msg"] != "interval" || shown["asked_per_second"] != 1000.0 || len(shown["ops"].([]any)) != 2 {
		t.Errorf("got %s", lines[1])
	}
}

// TestASlowWriterLosesFramesOnly: Show and Say return while the writer hangs.
func TestASlowWriterLosesFramesOnly(t *testing.T) {
	w := &slow{began: make(chan struct{}, 100), release: make(chan struct{})}
	d := New(w, Options{Style: JSON})
	d.Say("first")
	<-w.began
	for s := range 10 {
		d.Say("more")
		d.Show(frame(time.Duration(s) * time.Second))
	}
	close(w.release)
	d.Close()
	d.Close()
	if got := strings.Count(w.String(), "more"); got != 10 {
		t.Errorf("%d lines of 10 were shown", got)
	}
	if got := strings.Count(w.String(), "interval"); got != 1 || !strings.Contains(w.String(), `"elapsed_seconds":9`) {
		t.Errorf("%d frames, want the last one only", got)
	}
}

type slow struct {
	bytes.Buffer
	began   chan struct{}
	release chan struct{}
}

func (s *slow) Write(p []byte) (int, error) {
	s.began <- struct{}{}
	<-s.release
	return s.Buffer.Write(p)
}
