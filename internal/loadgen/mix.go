package loadgen

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"leap/internal/fault"
	"leap/workloads"
)

// MixFile is a mix and its thresholds as people write them:
//
//	workload: openbanking
//	mix:
//	  balance_get: 70
//	  payment_submit: 30
//	gate:
//	  - payment_submit.p99<200ms
type MixFile struct {
	// Workload, where given, must be the one that is run.
	Workload string
	// Mix has the shares in the order of the file.
	Mix workloads.Mix
	// Gate replaces the workload's own thresholds; empty leaves them.
	Gate []string
}

// mixFile is the form of the file.
type mixFile struct {
	Workload string        `yaml:"workload"`
	Mix      yaml.MapSlice `yaml:"mix"`
	Gate     []string      `yaml:"gate"`
}

// ReadMixFile reads a mix file for a workload. Unknown keys and operations are
// errors.
func ReadMixFile(path string, about workloads.About) (MixFile, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the file that the user named
	if err != nil {
		return MixFile{}, fault.Wrap(fault.Usage, "check --mix-file", fmt.Errorf("read the mix: %w", err))
	}
	m, err := parseMix(text, about)
	if err != nil {
		return MixFile{}, fault.Wrap(fault.Usage, "see loadgen list "+about.Name, fmt.Errorf("%s: %w", path, err))
	}
	return m, nil
}

func parseMix(text []byte, about workloads.About) (MixFile, error) {
	var f mixFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return MixFile{}, fmt.Errorf("%s", strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	if f.Workload != "" && f.Workload != about.Name {
		return MixFile{}, fmt.Errorf("the mix is for the workload %s, not for %s", f.Workload, about.Name)
	}
	m := MixFile{Workload: about.Name, Gate: f.Gate}
	for _, item := range f.Mix {
		percent, err := number(item.Value)
		if err != nil {
			return MixFile{}, fmt.Errorf("the share of %v: %w", item.Key, err)
		}
		m.Mix = append(m.Mix, workloads.Share{Op: fmt.Sprint(item.Key), Percent: percent})
	}
	if err := m.Mix.Validate(about); err != nil {
		return MixFile{}, err
	}
	return m, nil
}

func number(v any) (float64, error) {
	switch v := v.(type) {
	case uint64:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	}
	return 0, fmt.Errorf("%v is not a number", v)
}

// NamedMix returns one of the workload's own mixes; "" is the default one.
func NamedMix(about workloads.About, name string) (string, workloads.Mix, error) {
	if name == "" {
		name = about.DefaultMix
	}
	mix, ok := about.Mixes[name]
	if !ok {
		return "", nil, fault.New(fault.Usage, about.Name+" has "+strings.Join(slices.Sorted(maps.Keys(about.Mixes)), ", "),
			"there is no mix %q", name)
	}
	return name, mix, nil
}
