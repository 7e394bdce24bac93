package main

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/loadgen"
	"leap/internal/record"
)

func newGate(t cli.Terminal) *cobra.Command {
	o := &options{t: t}
	var slo []string
	var junit, markdown string
	cmd := &cobra.Command{
		Use:   "gate DIR",
		Short: "Judge a run directory again, offline",
		Long: `gate computes the verdict of a run again from its files, by the run's own
thresholds or by others. It needs no database and changes nothing in the
directory.

Exit codes: 0 passed, 2 wrong usage, 3 a threshold was missed or an invariant
violated, 4 inconclusive.`,
		Example: `  loadgen gate runs/kv-20260301T120000.000Z
  loadgen gate runs/night --slo 'get.p99<10ms' --junit gate.xml --markdown "$GITHUB_STEP_SUMMARY"`,
		Args: cli.Arguments("a run directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := loadgen.Gate(args[0], slo)
			if err != nil {
				return err
			}
			if junit != "" {
				text, err := junitOf(s)
				if err != nil {
					return err
				}
				if err := record.WriteFile(junit, text); err != nil {
					return err
				}
			}
			if markdown != "" {
				if err := appendFile(markdown, markdownOf(s)); err != nil {
					return err
				}
			}
			return o.conclude(s)
		},
	}
	cmd.Flags().StringArrayVar(&slo, "slo", nil, "threshold, may be repeated; replaces those of the run")
	cmd.Flags().StringVar(&junit, "junit", "", "write the verdicts as JUnit XML to this file")
	cmd.Flags().StringVar(&markdown, "markdown", "", "append the verdicts as a Markdown table to this file")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the summary as JSON on stdout")
	return cmd
}

// junitSuite is what CI servers read. Inconclusive is an error there: neither
// passed nor failed, and never green.
type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string    `xml:"name,attr"`
	Failure *junitWhy `xml:"failure"`
	Error   *junitWhy `xml:"error"`
}

type junitWhy struct {
	Message string `xml:"message,attr"`
}

func junitOf(s *loadgen.Summary) ([]byte, error) {
	suite := junitSuite{Name: s.Workload + " " + s.Mix}
	add := func(name, verdict, why string) {
		c := junitCase{Name: name}
		switch verdict {
		case "pass":
		case "fail":
			c.Failure = &junitWhy{why}
			suite.Failures++
		default:
			c.Error = &junitWhy{why}
			suite.Errors++
		}
		suite.Tests++
		suite.Cases = append(suite.Cases, c)
	}
	for _, r := range s.Gate {
		add(r.Threshold, string(r.Verdict), strings.TrimSpace(r.Value+" "+r.Why))
	}
	// The whole can be worse than its thresholds: interrupted, or overloaded.
	add("verdict", string(s.Verdict), strings.Join(s.Reasons, "; "))
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode JUnit: %w", err)
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

func markdownOf(s *loadgen.Summary) string {
	var out strings.Builder
	fmt.Fprintf(&out, "### loadgen %s %s: %s\n\n| verdict | threshold | measured | why |\n| --- | --- | ---: | --- |\n", s.Workload, s.Mix, s.Verdict)
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, r := range s.Gate {
		fmt.Fprintf(&out, "| %s | `%s` | %s | %s |\n", r.Verdict, cell.Replace(r.Threshold), cell.Replace(r.Value), cell.Replace(r.Why))
	}
	return out.String() + "\n"
}
