package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"leap/cmd/internal/cli"
	"leap/internal/fault"
	"leap/workloads"
	"leap/workloads/catalog"
)

func newList(t cli.Terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [WORKLOAD]",
		Short: "Show the workloads, their operations, mixes and default gates",
		Long: `list shows what can be run: each workload with its operations, its mixes and
the thresholds by which a run is judged unless others are given.`,
		Example: `  loadgen list
  loadgen list kv --json`,
		Args: atMostOne,
		RunE: func(_ *cobra.Command, args []string) error {
			all := catalog.All()
			if len(args) > 0 {
				w, err := findWorkload(args[0])
				if err != nil {
					return err
				}
				all = []workloads.Workload{w}
			}
			var abouts []workloads.About
			for _, w := range all {
				abouts = append(abouts, w.About())
			}
			if asJSON {
				return printJSON(t, listing(abouts))
			}
			var out strings.Builder
			for i, a := range abouts {
				if i > 0 {
					out.WriteString("\n")
				}
				describe(&out, a)
			}
			return cli.WriteAll(t.Out, out.String())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

// findWorkload returns the workload of a name.
func findWorkload(name string) (workloads.Workload, error) {
	if w, ok := catalog.Find(name); ok {
		return w, nil
	}
	var names []string
	for _, w := range catalog.All() {
		names = append(names, w.About().Name)
	}
	return nil, fault.New(fault.Usage, "there are "+strings.Join(names, ", "), "there is no workload %q", name)
}

// describe writes a workload for people.
func describe(out *strings.Builder, a workloads.About) {
	fmt.Fprintf(out, "%s\n  %s\n\n  operations\n", a.Name, a.Summary)
	width := 0
	for _, op := range a.Ops {
		width = max(width, len(op.Name))
	}
	for _, op := range a.Ops {
		kind := "reads "
		if op.Writes {
			kind = "writes"
		}
		fmt.Fprintf(out, "    %-*s  %s  %s\n", width, op.Name, kind, op.Summary)
	}
	out.WriteString("\n  mixes (percent of the operations)\n")
	for _, name := range slices.Sorted(maps.Keys(a.Mixes)) {
		var shares []string
		for _, s := range a.Mixes[name] {
			shares = append(shares, fmt.Sprintf("%s %g", s.Op, s.Percent))
		}
		if name == a.DefaultMix {
			name += " (default)"
		}
		fmt.Fprintf(out, "    %s: %s\n", name, strings.Join(shares, ", "))
	}
	fmt.Fprintf(out, "\n  default gate\n    %s\n", strings.Join(a.Gate, "\n    "))
}

// listed is a workload as JSON.
type listed struct {
	Name       string                        `json:"name"`
	Summary    string                        `json:"summary"`
	Operations []listedOperation             `json:"operations"`
	Mixes      map[string]map[string]float64 `json:"mixes"`
	DefaultMix string                        `json:"default_mix"`
	Gate       []string                      `json:"gate"`
	Tables     []string                      `json:"tables"`
}

type listedOperation struct {
	Name    string   `json:"name"`
	Summary string   `json:"summary"`
	Writes  bool     `json:"writes"`
	Tables  []string `json:"tables"`
}

func listing(abouts []workloads.About) []listed {
	out := make([]listed, 0, len(abouts))
	for _, a := range abouts {
		l := listed{
			Name: a.Name, Summary: a.Summary, Mixes: map[string]map[string]float64{}, DefaultMix: a.DefaultMix,
			Gate: append([]string{}, a.Gate...), Tables: append([]string{}, a.Tables...), Operations: []listedOperation{},
		}
		for _, op := range a.Ops {
			l.Operations = append(l.Operations, listedOperation{op.Name, op.Summary, op.Writes, append([]string{}, op.Tables...)})
		}
		for name, mix := range a.Mixes {
			l.Mixes[name] = map[string]float64{}
			for _, s := range mix {
				l.Mixes[name][s.Op] = s.Percent
			}
		}
		out = append(out, l)
	}
	return out
}

// printJSON writes a value to stdout.
func printJSON(t cli.Terminal, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return cli.WriteAll(t.Out, string(text)+"\n")
}

func atMostOne(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fault.New(fault.Usage, "see "+cmd.CommandPath()+" --help", "%s takes one workload, got %q", cmd.CommandPath(), args[1])
	}
	return nil
}
