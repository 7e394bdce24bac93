package live

import (
	"encoding/json"
	"io"
	"time"
)

// jsonLines writes each frame as a line, with the keys of slog's JSON handler
// first, so that one reader understands both.
type jsonLines struct{ w io.Writer }

type jsonFrame struct {
	Time    time.Time `json:"time"`
	Message string    `json:"msg"`
	*jsonNumbers
}

type jsonNumbers struct {
	Phase    string    `json:"phase"`
	Elapsed  float64   `json:"elapsed_seconds"`
	Asked    float64   `json:"asked_per_second"`
	Done     float64   `json:"done_per_second"`
	Errors   int64     `json:"errors"`
	Retries  int64     `json:"retries"`
	Shed     int64     `json:"shed"`
	Queue    int       `json:"queue"`
	InFlight int       `json:"in_flight"`
	CPU      float64   `json:"cpu"`
	Ops      []jsonRow `json:"ops"`
}

type jsonRow struct {
	Name      string   `json:"name"`
	PerSecond float64  `json:"per_second"`
	P50       *float64 `json:"p50_ms"`
	P99       *float64 `json:"p99_ms"`
	P999      *float64 `json:"p99.9_ms"`
	Max       *float64 `json:"max_ms"`
	Errors    int64    `json:"errors"`
	Retries   int64    `json:"retries"`
}

func (j *jsonLines) show(lines []string, f *Frame) {
	now := time.Now().UTC()
	for _, line := range lines {
		j.write(jsonFrame{Time: now, Message: line})
	}
	if f == nil {
		return
	}
	n := &jsonNumbers{
		Phase: f.Phase, Elapsed: f.Elapsed.Seconds(), Asked: f.Asked, Done: f.Done, Errors: f.Errors, Retries: f.Retries,
		Shed: f.Shed, Queue: f.Queue, InFlight: f.InFlight, CPU: f.CPU, Ops: []jsonRow{},
	}
	for _, r := range f.Rows {
		n.Ops = append(n.Ops, jsonRow{r.Name, r.PerSecond, ms(r.P50), ms(r.P99), ms(r.P999), ms(r.Max), r.Errors, r.Retries})
	}
	j.write(jsonFrame{Time: now, Message: "interval", jsonNumbers: n})
}

// ms is a time in milliseconds, or null.
func ms(d time.Duration) *float64 {
	if d == 0 {
		return nil
	}
	v := float64(d) / float64(time.Millisecond)
	return &v
}

func (j *jsonLines) write(f jsonFrame) {
	text, err := json.Marshal(f)
	if err != nil {
		return // a rate that is no number: there is no other place for it either
	}
	_, _ = j.w.Write(append(text, '\n'))
}

func (*jsonLines) close() {}
