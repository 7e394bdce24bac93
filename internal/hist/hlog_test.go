package hist

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// independent decodes one histogram without any of the code under test and
// without the library, from the description of the format alone: slot to count,
// the slot given by its smallest value.
func independent(t *testing.T, text string) map[int64]int64 {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	big := binary.BigEndian
	if cookie := big.Uint32(raw); cookie != 0x1c849314 || int(big.Uint32(raw[4:])) != len(raw)-8 {
		t.Fatalf("cookie %x, length %d of %d", cookie, big.Uint32(raw[4:]), len(raw)-8)
	}
	z, err := zlib.NewReader(bytes.NewReader(raw[8:]))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if cookie := big.Uint32(body); cookie != 0x1c849313 || int(big.Uint32(body[4:])) != len(body)-40 {
		t.Fatalf("inner cookie %x, length %d of %d", cookie, big.Uint32(body[4:]), len(body)-40)
	}
	figures := big.Uint32(body[12:])
	low, ratio := int64(big.Uint64(body[16:])), math.Float64frombits(big.Uint64(body[32:]))
	if big.Uint32(body[8:]) != 0 || ratio != 1 {
		t.Fatalf("offset %d, ratio %v", big.Uint32(body[8:]), ratio)
	}
	// Slots of one width up to `count` of them, then half as many for each
	// doubling of the width.
	slotWidth := int64(1) << int(math.Floor(math.Log2(float64(low))))
	count := int64(1) << int(math.Ceil(math.Log2(2*math.Pow10(int(figures)))))
	found := map[int64]int64{}
	slot, value := int64(0), int64(0)
	step := func() {
		slot++
		value += slotWidth
		if slot == count {
			slot, slotWidth = count/2, slotWidth*2
		}
	}
	for rest := body[40:]; len(rest) > 0; {
		var u uint64
		for i := 0; ; i++ {
			b := rest[0]
			rest = rest[1:]
			if i == 8 {
				u |= uint64(b) << 56
				break
			}
			u |= uint64(b&0x7f) << (7 * i)
			if b < 0x80 {
				break
			}
		}
		if n := int64(u>>1) ^ -int64(u&1); n < 0 {
			for range -n {
				step()
			}
		} else {
			if n > 0 {
				found[value] = n
			}
			step()
		}
	}
	return found
}

// logLines returns the fields of the histogram lines of a .hlog file.
func logLines(t *testing.T, text string) [][]string {
	t.Helper()
	var lines [][]string
	for line := range strings.Lines(text) {
		if line[0] != '#' && line[0] != '"' {
			lines = append(lines, strings.Split(strings.TrimSpace(line), ","))
		}
	}
	return lines
}

// javaValues are what testdata/java.hlog was made of.
func javaValues() [3]*Histogram {
	var want [3]*Histogram
	for k := range want {
		want[k] = New()
		for i := int64(k); i < 10_000; i += 3 {
			want[k].Record(time.Duration(i*i*1000 + 7))
		}
	}
	want[2].RecordN(1234567, 70_000)
	return want
}

// TestReadsJavasFile reads a file that the reference implementation wrote, and
// finds the numbers that the reference implementation reads in it.
func TestReadsJavasFile(t *testing.T) {
	text, err := os.ReadFile("testdata/java.hlog")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := ReadLog(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 || entries[1].Start != time.Second || entries[1].End != 2*time.Second {
		t.Fatalf("%d entries, the second %+v", len(entries), entries[1])
	}
	all := New()
	lines := logLines(t, string(text))
	for i, want := range javaValues() {
		if !entries[i].Histogram.Equal(want) {
			t.Errorf("interval %d: %d values, want %d", i, entries[i].Histogram.Count(), want.Count())
		}
		all.Merge(entries[i].Histogram)
		same(t, independent(t, lines[i][3]), want)
	}
	for p, want := range map[float64]time.Duration{
		1: 1234943, 50: 1234943, 90: 3997171711, 99: 84624277503, 99.9: 98448703487, 100: 99992207359,
	} {
		if got := all.Percentile(p); got != want {
			t.Errorf("p%v: %d, Java says %d", p, got, want)
		}
	}
	if mean := all.Mean(); all.Count() != 80_000 || all.Max() != 99992207359 || mean != 4167120969 {
		t.Errorf("count %d, max %d, mean %d", all.Count(), all.Max(), mean)
	}
}

// same compares an independently read histogram with ours.
func same(t *testing.T, got map[int64]int64, want *Histogram) {
	t.Helper()
	wanted := maps.Collect(want.packed.ForEachBucket)
	if !maps.Equal(got, wanted) {
		t.Errorf("%d slots, want %d", len(got), len(wanted))
	}
}

func TestLogIsReadBackIndependently(t *testing.T) {
	start := time.Date(2026, 3, 1, 23, 0, 0, 250e6, time.FixedZone("CET", 3600))
	var file bytes.Buffer
	w, err := NewLogWriter(&file, start, "response of payment_submit, ns")
	if err != nil {
		t.Fatal(err)
	}
	want := javaValues()
	for i, h := range want {
		if err = w.Write(time.Duration(2*i)*time.Second, time.Duration(2*i+1)*time.Second+500*ms, h); err != nil {
			t.Fatal(err)
		}
	}
	if err = w.Write(6*time.Second, 7*time.Second, New()); err != nil {
		t.Fatal(err)
	}
	head := "#[response of payment_submit, ns]\n#[Histogram log format version 1.3]\n" +
		"#[StartTime: 1772402400.250 (seconds since epoch), 2026-03-01T22:00:00Z]\n" +
		"#[BaseTime: 1772402400.250 (seconds since epoch)]\n" +
		`"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"` + "\n" +
		"0.000000,1.500000,99992.207,HISTFAAA"
	if !strings.HasPrefix(file.String(), head) {
		t.Errorf("begins with\n%.430s\nwant\n%s", file.String(), head)
	}
	lines := logLines(t, file.String())
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, h := range want {
		same(t, independent(t, lines[i][3]), h)
	}
	// Another reader: the library's.
	r := hdr.NewHistogramLogReader(bytes.NewReader(file.Bytes()))
	for i, h := range want {
		got, readErr := r.NextIntervalHistogram()
		if readErr != nil || got == nil {
			t.Fatalf("library: %v, %v", got, readErr)
		}
		if got.TotalCount() != h.Count() || got.Max() != int64(h.Max()) || got.StartTimeMs() != start.UnixMilli()+int64(2000*i) {
			t.Errorf("library: count %d, max %d, start %d", got.TotalCount(), got.Max(), got.StartTimeMs())
		}
	}
	entries, err := ReadLog(&file)
	if err != nil || len(entries) != 3 || entries[2].Start != 4*time.Second || entries[2].End != 5500*ms {
		t.Fatalf("%v, %+v", err, entries)
	}
}

// TestEncodeIsTheLibrarys: whatever is recorded, the payload is the one that the
// library writes.
func TestEncodeIsTheLibrarys(t *testing.T) {
	var enc encoder
	rapid.Check(t, func(rt *rapid.T) {
		h := New()
		for range rapid.IntRange(0, 50).Draw(rt, "values") {
			d := rapid.Int64Range(0, int64(Highest)+1).Draw(rt, "d") >> rapid.IntRange(0, 40).Draw(rt, "shift")
			h.RecordN(time.Duration(d), rapid.Int64Range(1, 1<<62/50).Draw(rt, "n")>>rapid.IntRange(0, 60).Draw(rt, "nshift")+1)
		}
		ours, err := enc.encode(nil, h)
		if err != nil {
			rt.Fatal(err)
		}
		theirs, err := h.packed.Encode()
		if err != nil {
			rt.Fatal(err)
		}
		if a, b := inflate(t, ours), inflate(t, theirs); !bytes.Equal(a, b) {
			rt.Fatalf("%x\nwant\n%x", a, b)
		}
		back, err := decode(ours)
		if err != nil || !back.Equal(h) {
			rt.Fatalf("read back: %v", err)
		}
	})
}

func inflate(t *testing.T, text []byte) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zlib.NewReader(bytes.NewReader(raw[8:]))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestReadLogRefuses(t *testing.T) {
	var good bytes.Buffer
	w, err := NewLogWriter(&good, time.Unix(1, 0), "x")
	if err != nil {
		t.Fatal(err)
	}
	h := New()
	h.Record(ms)
	if err = w.Write(0, time.Second, h); err != nil {
		t.Fatal(err)
	}
	whole := good.String()
	torn := whole + "1.000000,1.000000,1.0,HISTFAAA"
	if entries, tornErr := ReadLog(strings.NewReader(torn)); !errors.Is(tornErr, ErrTorn) || len(entries) != 1 {
		t.Errorf("torn: %d entries, %v", len(entries), tornErr)
	}
	enc, err := hdr.New(1, 1000, 2).EncodeV2()
	if err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{
		"three fields":     "0,1,2",
		"no time":          "x,1,2,HIST",
		"a negative time":  "0,-1,2,HIST",
		"no base64":        "0,1,2,HIST!",
		"cut base64":       "0,1,2,HISTFAAA",
		"another geometry": "0,1,2," + string(enc),
	} {
		entries, err := ReadLog(strings.NewReader(whole + line + "\n"))
		if err == nil || len(entries) != 1 || !strings.Contains(err.Error(), "line 7") {
			t.Errorf("%s: %d entries, %v", name, len(entries), err)
		}
		if errors.Is(err, ErrGeometry) != (name == "another geometry") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTwoProcessesMakeOne splits the samples of one run over two collectors,
// writes their files, and merges what is read back.
func TestTwoProcessesMakeOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	ops := []string{"a"}
	one := NewCollector(Options{Ops: ops})
	halves := [2]*Collector{NewCollector(Options{Ops: ops}), NewCollector(Options{Ops: ops})}
	whole := one.Recorder()
	parts := [2]*Recorder{halves[0].Recorder(), halves[1].Recorder()}
	for i := range 20_000 {
		s := sample(0, time.Duration(i)*ms/4, 0, time.Duration(rng.ExpFloat64()*2e7))
		if i%500 == 7 {
			s.Outcome, s.Code = Errored, "08006"
		}
		whole.Record(s)
		parts[i%2].Record(s)
	}
	want := one.Finish(6 * time.Second)
	var merged []*Interval
	for _, half := range halves {
		for i, in := range throughFiles(t, half.Finish(6*time.Second)) {
			if i == len(merged) {
				merged = append(merged, in)
				continue
			}
			merged[i].Ops[0].Merge(in.Ops[0])
		}
	}
	sameIntervals(t, merged, want)
	sum := NewOpStats("a")
	for _, in := range merged {
		sum.Merge(in.Ops[0])
	}
	sameStats(t, "total", sum, one.Totals()[0])
	if codes := sum.Counts.Codes; codes["08006"] != 40 {
		t.Errorf("codes %v", codes)
	}
}

// throughFiles writes the histograms of the first operation to .hlog files and
// returns what is read back; counts are taken over as they are.
func throughFiles(t *testing.T, intervals []*Interval) []*Interval {
	t.Helper()
	var back []*Interval
	for _, in := range intervals {
		o := NewOpStats("a")
		o.Counts.Add(&in.Ops[0].Counts)
		back = append(back, &Interval{Start: in.Start, End: in.End, Ops: []*OpStats{o}})
	}
	for s := range NumSeries {
		var file bytes.Buffer
		w, err := NewLogWriter(&file, time.Unix(1, 0), s.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range intervals {
			if err = w.Write(in.Start, in.End, in.Ops[0].Series[s]); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := ReadLog(&file)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			i := slices.IndexFunc(back, func(in *Interval) bool { return in.Start == e.Start && in.End == e.End })
			back[i].Ops[0].Series[s].Merge(e.Histogram)
		}
	}
	return back
}

func FuzzReadLog(f *testing.F) {
	text, err := os.ReadFile("testdata/java.hlog")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("0,1,2,HISTFAAA\n")
	f.Fuzz(func(_ *testing.T, text string) {
		entries, err := ReadLog(strings.NewReader(text))
		if err == nil {
			for _, e := range entries {
				_ = e.Histogram.Percentile(99)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	h := New()
	rng := rand.New(rand.NewPCG(9, 10))
	for range 1000 {
		h.Record(time.Duration(rng.ExpFloat64() * 5e6))
	}
	var enc encoder
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if line, err = enc.encode(line[:0], h); err != nil {
			b.Fatal(err)
		}
	}
}
