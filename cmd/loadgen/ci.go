package main

import (
	"encoding/xml"
	"fmt"
	"strings"

	"leap/cmd/internal/text"

	"leap/internal/judge"
	"leap/internal/loadgen"
)

// junitSuites is what CI servers read. Inconclusive is an error there: neither
// passed nor failed, and never green.
type junitSuites struct {
	XMLName xml.Name   `xml:"testsuites"`
	Suite   junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string    `xml:"classname,attr"`
	Name    string    `xml:"name,attr"`
	Failure *junitWhy `xml:"failure"`
	Error   *junitWhy `xml:"error"`
}

type junitWhy struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
}

// junitOf has a case for each threshold, for each invariant, and one for the
// whole, which can be worse than all of them: interrupted, or overloaded.
func junitOf(s *loadgen.Summary) ([]byte, error) {
	suite := junitSuite{
		Name: "loadgen " + s.Workload + " " + s.Mix, Time: fmt.Sprintf("%.3f", s.Duration), Timestamp: s.Started.UTC().Format("2006-01-02T15:04:05"),
	}
	add := func(class, name, why string, verdict judge.Verdict) {
		c := junitCase{Class: "loadgen." + s.Workload + "." + class, Name: name}
		switch verdict {
		case judge.Pass:
		case judge.Fail:
			c.Failure = &junitWhy{string(verdict), why}
			suite.Failures++
		case judge.Inconclusive:
			fallthrough
		default:
			c.Error = &junitWhy{string(judge.Inconclusive), why}
			suite.Errors++
		}
		suite.Tests++
		suite.Cases = append(suite.Cases, c)
	}
	for _, r := range s.Gate {
		add("gate", r.Threshold, r.Says(), r.Verdict)
	}
	for _, i := range s.Invariants {
		add("invariant", i.Name, i.Found(), judge.Verdict(i.Verdict))
	}
	add("run", "verdict", strings.Join(s.Reasons, "; "), s.Verdict)
	text, err := xml.MarshalIndent(junitSuites{Suite: suite}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode JUnit: %w", err)
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

// markdownOf is the summary as GitHub shows it.
func markdownOf(s *loadgen.Summary) string {
	var out strings.Builder
	server := s.Server
	if s.StandIn {
		server += " (stand-in for CockroachDB)"
	}
	rate := s.Rate + "/s"
	if s.Rate == "" {
		rate = "a closed loop"
	}
	fmt.Fprintf(&out, "### loadgen %s %s: %s\n\n%s for %.0f s on %s\n\n", plain(s.Workload), plain(s.Mix), s.Verdict, plain(rate), s.Duration, plain(server))
	out.WriteString("| verdict | threshold | measured | 95 % bounds | why |\n| --- | --- | ---: | ---: | --- |\n")
	for _, r := range s.Gate {
		out.WriteString(markdownRow(string(r.Verdict), code(r.Threshold), r.Value, r.Bounds(), r.Why))
	}
	out.WriteString("\n| response times (ms) | count | errors | retries | p50 | p90 | p99 | p99.9 | max |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, o := range s.Ops {
		p := o.Response
		out.WriteString(markdownRow(o.Name, fmt.Sprint(o.Count), fmt.Sprint(o.Errors), fmt.Sprint(o.Retries), text.Percentile(p.P50), text.Percentile(p.P90), text.Percentile(p.P99), text.Percentile(p.P999), text.Percentile(p.Max)))
	}
	if len(s.Invariants) > 0 {
		out.WriteString("\n| verdict | invariant | |\n| --- | --- | --- |\n")
	}
	for _, i := range s.Invariants {
		out.WriteString(markdownRow(i.Verdict, i.Name, i.Found()))
	}
	return out.String() + bullets("Reasons", s.Reasons) + "\n"
}

// markdownRow is a row of a table. A cell that code made is left as it is.
func markdownRow(cells ...string) string {
	var out strings.Builder
	for _, c := range cells {
		if !strings.HasPrefix(c, "`") {
			c = plain(c)
		}
		out.WriteString("| " + c + " ")
	}
	return strings.ReplaceAll(out.String(), "  |", " |") + "|\n"
}

// escapes keep what a database or a file name says from being markup.
var escapes = strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "\\", `\\`)

func plain(text string) string { return escapes.Replace(text) }

// code is text in a monospaced font.
func code(text string) string {
	return "`" + strings.NewReplacer("|", `\|`, "`", "'", "\n", " ").Replace(text) + "`"
}

func bullets(title string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("\n" + title + ":\n\n")
	for _, l := range lines {
		out.WriteString("- " + plain(l) + "\n")
	}
	return out.String()
}
