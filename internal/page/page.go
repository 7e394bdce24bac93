// Package page owns the HTML report of a load run: one file that needs no
// network, no server and no second file to be read, in ten years as well as
// today. It draws what it is given and judges nothing.
//
// The charts are drawn by uPlot, which is embedded with its licence. Every
// table is there without JavaScript, too.
package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
)

// Report is everything that the page shows, in the order in which it does.
type Report struct {
	// Title names the run, such as "openbanking uk-mix".
	Title string
	// Verdict is "pass", "fail" or "inconclusive".
	Verdict string
	// Reasons say what keeps the verdict from being pass.
	Reasons []string
	// Facts are shown below the title: when, how long, at what rate, on what.
	Facts      []Fact
	Gates      []Gate
	Invariants []Invariant
	// Operations has the sum of all first, if there is more than one.
	Operations []Operation
	Throughput Throughput
	Retries    Retries
	Errors     []Count
	Health     Health
	// Marks are moments that the time charts point out, such as an outage.
	Marks []Mark
	// Environment is shown at the end, group by group.
	Environment []Group
}

// Fact is a name and what it is.
type Fact struct{ Name, Value string }

// Group is a headed list of facts.
type Group struct {
	Name  string
	Facts []Fact
}

// Gate is one threshold and how the run did.
type Gate struct {
	Threshold string // as it was asked: "payment_submit.p99<200ms"
	Value     string // what was measured
	Bounds    string // the confidence interval of Value; may be empty
	Verdict   string
	Reason    string
}

// Invariant is one promise of the workload and what became of it.
type Invariant struct{ Name, Says, Verdict, Reason string }

// Operation is one kind of request. Latencies are in milliseconds.
type Operation struct {
	Name                             string
	Count, Errors, Refusals, Retries int64
	// Response counts from the moment the request was due, Service from the
	// moment it was sent.
	Response, Service Latency
	// Limits are the thresholds on this operation's response time.
	Limits []Limit
	// Over is the response time second by second.
	Over Timeline
}

// Latency is a distribution. NaN stands for what too few requests tell.
type Latency struct {
	P50, P90, P99, P999, Max float64
	Spectrum                 []Point
}

// Point is one point of a percentile spectrum: Percentile (0 to 100) of all
// requests took at most Millis.
type Point struct{ Percentile, Millis float64 }

// Limit is a threshold on a percentile.
type Limit struct {
	Percentile float64 `json:"percentile"`
	Millis     float64 `json:"ms"`
	Label      string  `json:"label"`
}

// Timeline is latency over time: At is in seconds since the run began, the
// rest in milliseconds. NaN is a gap: nothing ended in that interval.
type Timeline struct {
	At   Values `json:"at"`
	P50  Values `json:"p50"`
	P99  Values `json:"p99"`
	P999 Values `json:"p999"`
	Max  Values `json:"max"`
}

// Throughput is what was asked for and what happened, per second.
type Throughput struct {
	At     Values `json:"at"`
	Asked  Values `json:"asked"`
	Done   Values `json:"done"`
	Errors Values `json:"errors"`
	Shed   Values `json:"shed"`
}

// Retries are the transactions that the server sent back.
type Retries struct {
	// Kinds counts them by SQLSTATE and kind.
	Kinds []Count
	// Over is how many there were in each second: At, and a value per entry.
	At   Values
	Over Values
	// Summary is a sentence on attempts per transaction and time lost.
	Summary string
}

// Count is a name and how often it was seen.
type Count struct {
	Name  string
	Note  string
	Count int64
}

// Health is how the generator itself did.
type Health struct {
	Verdict string
	Reasons []string
	Facts   []Fact
	At      Values // seconds
	Lag     Values // schedule lag, 99th percentile, milliseconds
	CPU     Values // percent of all cores
	Queue   Values // operations waiting
}

// Mark is a moment with a name.
type Mark struct {
	At   float64 `json:"at"`
	Till float64 `json:"till"` // 0 for a moment, else the end of a span
	Text string  `json:"text"`
}

// Values is a column of numbers in which NaN marks a gap.
type Values []float64

// MarshalJSON writes gaps as null; JSON has no NaN.
func (v Values) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for i, n := range v {
		if i > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(n) || math.IsInf(n, 0) {
			out = append(out, "null"...)
			continue
		}
		// Six digits are more than a screen shows, and keep the file small.
		out = strconv.AppendFloat(out, n, 'g', 6, 64)
	}
	return append(out, ']'), nil
}

//go:embed assets
var assets embed.FS

// Write writes the page.
func Write(w io.Writer, r *Report) error {
	t, err := template.New("report.html").Funcs(functions).ParseFS(assets, "assets/report.html")
	if err != nil {
		return fmt.Errorf("parse the report's template: %w", err)
	}
	v := view{Report: r, Charts: chartsOf(r)}
	for name, to := range map[string]*string{
		"assets/uplot/uPlot.iife.min.js": (*string)(&v.Library),
		"assets/uplot/LICENSE":           &v.Licence,
		"assets/charts.js":               (*string)(&v.Script),
		"assets/uplot/uPlot.min.css":     (*string)(&v.LibraryStyle),
		"assets/report.css":              (*string)(&v.Style),
	} {
		text, err := assets.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read an embedded file: %w", err)
		}
		*to = string(text)
	}
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("write the report's page: %w", err)
	}
	return nil
}

// view is what the template sees.
type view struct {
	*Report

	Charts              charts
	Library, Script     template.JS
	LibraryStyle, Style template.CSS
	Licence             string
}

// charts is the data that the script draws, as JSON.
type charts struct {
	Operations []chartOperation `json:"operations"`
	Throughput Throughput       `json:"throughput"`
	Retries    chartRetries     `json:"retries"`
	Health     chartHealth      `json:"health"`
	Marks      []Mark           `json:"marks"`
}

type chartOperation struct {
	Name     string   `json:"name"`
	Response curve    `json:"response"`
	Service  curve    `json:"service"`
	Limits   []Limit  `json:"limits"`
	Over     Timeline `json:"over"`
}

type curve struct {
	Percentile percentiles `json:"percentile"`
	Millis     Values      `json:"ms"`
}

// percentiles keeps more digits than Values: 99.9999 must not become 100.
type percentiles []float64

// MarshalJSON writes the shortest text that reads back as the same number.
func (p percentiles) MarshalJSON() ([]byte, error) { return json.Marshal([]float64(p)) }

type chartRetries struct {
	At   Values `json:"at"`
	Over Values `json:"over"`
}

type chartHealth struct {
	At    Values `json:"at"`
	Lag   Values `json:"lag"`
	CPU   Values `json:"cpu"`
	Queue Values `json:"queue"`
}

func chartsOf(r *Report) charts {
	c := charts{
		Throughput: r.Throughput,
		Retries:    chartRetries{At: r.Retries.At, Over: r.Retries.Over},
		Health:     chartHealth{At: r.Health.At, Lag: r.Health.Lag, CPU: r.Health.CPU, Queue: r.Health.Queue},
		Marks:      append([]Mark{}, r.Marks...),
		Operations: make([]chartOperation, 0, len(r.Operations)),
	}
	for _, o := range r.Operations {
		c.Operations = append(c.Operations, chartOperation{
			Name: o.Name, Response: curveOf(o.Response.Spectrum), Service: curveOf(o.Service.Spectrum),
			Limits: append([]Limit{}, o.Limits...), Over: o.Over,
		})
	}
	return c
}

func curveOf(points []Point) curve {
	var c curve
	for _, p := range points {
		c.Percentile = append(c.Percentile, p.Percentile)
		c.Millis = append(c.Millis, p.Millis)
	}
	return c
}
