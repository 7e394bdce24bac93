package loadgen

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/fault"
	"leap/workloads"
)

var bankAbout = workloads.About{
	Name: "bank",
	Ops:  []workloads.OpInfo{{Name: "look"}, {Name: "pay", Writes: true}},
	Mixes: map[string]workloads.Mix{
		"calm": {{Op: "look", Percent: 99}, {Op: "pay", Percent: 1}}, "wild": {{Op: "pay", Percent: 100}},
	},
	DefaultMix: "calm",
}

func TestReadMixFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mix.yaml")
	text := "workload: bank\nmix:\n  pay: 33.5 # above look on purpose\n  look: 66.5\ngate:\n  - pay.p99<200ms\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadMixFile(file, bankAbout)
	if err != nil {
		t.Fatal(err)
	}
	want := MixFile{
		Workload: "bank", Gate: []string{"pay.p99<200ms"},
		Mix: workloads.Mix{{Op: "pay", Percent: 33.5}, {Op: "look", Percent: 66.5}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = ReadMixFile(file+".not", bankAbout)
	if err == nil || fault.ClassOf(err) != fault.Usage {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestMixFilesThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "is empty",
		"mix: {look: 50}":                      "sum to 50",
		"mix: {look: 50, pya: 50}":             `no operation "pya"`,
		"mix: {look: 50, pay: fifty}":          "the share of pay: fifty is not a number",
		"mix: {look: 100, look: 100}":          "already defined",
		"mix: {look: 100}\nmixes: {}":          "unknown field",
		"workload: kv\nmix: {look: 100}":       "for the workload kv, not for bank",
		"mix: {look: 100.5, pay: -0.5}":        "not above 0",
		"mix: [look, pay]":                     "",
		"mix: {look: 100}\ngate: pay.p99<1ms":  "",
		"mix: {look: .nan, pay: 100}":          "not above 0",
		"workload: bank\nmix:\n\tlook: 100\n":  "",
		"mix: {look: 100}\ngate: [{a: b}]\n\n": "",
	} {
		_, err := parseMix([]byte(text), bankAbout)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestNamedMix(t *testing.T) {
	if name, mix, err := NamedMix(bankAbout, ""); name != "calm" || len(mix) != 2 || err != nil {
		t.Errorf("default: %s %v %v", name, mix, err)
	}
	if name, mix, err := NamedMix(bankAbout, "wild"); name != "wild" || len(mix) != 1 || err != nil {
		t.Errorf("wild: %s %v %v", name, mix, err)
	}
	_, _, err := NamedMix(bankAbout, "mild")
	if err == nil || fault.ClassOf(err) != fault.Usage || fault.HintOf(err) != "bank has calm, wild" {
		t.Errorf("mild: %v (%s)", err, fault.HintOf(err))
	}
}

// TestInvariantsOfReaders: a mix that writes nothing has no receipts, and its run
// is not inconclusive for want of them.
func TestInvariantsOfReaders(t *testing.T) {
	for _, c := range []struct {
		mix  workloads.Mix
		want []string
	}{
		{workloads.Mix{{Op: "look", Percent: 100}}, []string{"amounts"}},
		{workloads.Mix{{Op: "look", Percent: 50}, {Op: "pay", Percent: 50}}, []string{"acknowledged", "amounts"}},
	} {
		s := &session{Config: Config{Workload: till{}}, work: newWork(till{}.About(), c.mix, 1)}
		var got []string
		for _, i := range s.invariants() {
			got = append(got, i.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %v are checked, want %v", c.mix, got, c.want)
		}
	}
}
