package hist

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// LogWriter writes the histograms of one series to a .hlog file, one line for
// each interval, in the format of the public HdrHistogram tools (1.3). Every
// line is one Write, so that a killed process leaves whole lines behind.
type LogWriter struct {
	w    io.Writer
	enc  encoder
	line []byte
}

// NewLogWriter returns a writer whose offsets count from start. comment is one
// line that says what the values are.
func NewLogWriter(w io.Writer, start time.Time, comment string) (*LogWriter, error) {
	start = start.UTC()
	seconds := float64(start.UnixMilli()) / 1000
	var head bytes.Buffer
	fmt.Fprintf(&head, "#[%s]\n", strings.NewReplacer("\n", " ", "\r", " ").Replace(comment))
	fmt.Fprintf(&head, "#[Histogram log format version 1.3]\n")
	fmt.Fprintf(&head, "#[StartTime: %.3f (seconds since epoch), %s]\n", seconds, start.Format(time.RFC3339))
	fmt.Fprintf(&head, "#[BaseTime: %.3f (seconds since epoch)]\n", seconds)
	fmt.Fprintf(&head, "%q,%q,%q,%q\n", "StartTimestamp", "Interval_Length", "Interval_Max", "Interval_Compressed_Histogram")
	if _, err := w.Write(head.Bytes()); err != nil {
		return nil, fmt.Errorf("write histogram log: %w", err)
	}
	return &LogWriter{w: w}, nil
}

// Write appends the histogram of the interval from start to end. One without
// values writes nothing: what is not in the file did not happen.
func (l *LogWriter) Write(start, end time.Duration, h *Histogram) error {
	if h.Count() == 0 {
		return nil
	}
	// Times in seconds, the maximum in milliseconds, as every reader expects.
	l.line = fmt.Appendf(l.line[:0], "%.6f,%.6f,%.3f,", start.Seconds(), (end - start).Seconds(), float64(h.Max())/1e6)
	line, err := l.enc.encode(l.line, h)
	if err != nil {
		return err
	}
	l.line = append(line, '\n')
	if _, err := l.w.Write(l.line); err != nil {
		return fmt.Errorf("write histogram log: %w", err)
	}
	return nil
}

// LogEntry is one line of a .hlog file.
type LogEntry struct {
	// Start and End are offsets from the file's start time.
	Start, End time.Duration
	Histogram  *Histogram
}

// ErrTorn is returned by ReadLog for a file whose last line is not whole, as a
// power cut leaves it. The entries before it are returned and good.
var ErrTorn = errors.New("the last line is not whole")

// ReadLog reads a .hlog file that LogWriter wrote.
func ReadLog(r io.Reader) ([]LogEntry, error) {
	var entries []LogEntry
	in := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			if line != "" {
				return entries, fmt.Errorf("read histogram log: line %d: %w", number, ErrTorn)
			}
			return entries, nil
		}
		if err != nil {
			return entries, fmt.Errorf("read histogram log: %w", err)
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' || line[0] == '"' {
			continue
		}
		entry, err := parseEntry(line)
		if err != nil {
			return entries, fmt.Errorf("read histogram log: line %d: %w", number, err)
		}
		entries = append(entries, entry)
	}
}

func parseEntry(line string) (LogEntry, error) {
	fields := strings.Split(line, ",")
	if len(fields) != 4 {
		return LogEntry{}, fmt.Errorf("%d fields, want 4", len(fields))
	}
	start, err := seconds(fields[0])
	if err != nil {
		return LogEntry{}, err
	}
	length, err := seconds(fields[1])
	if err != nil {
		return LogEntry{}, err
	}
	h, err := decode([]byte(fields[3]))
	if err != nil {
		return LogEntry{}, err
	}
	return LogEntry{Start: start, End: start + length, Histogram: h}, nil
}

// seconds reads a decimal number of seconds to the microsecond.
func seconds(text string) (time.Duration, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f > 1e9 {
		return 0, fmt.Errorf("%q is no time in seconds", text)
	}
	return time.Duration(f * float64(time.Second)).Round(time.Microsecond), nil
}
