package convert

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden prints the plan of the rich example for each target.
func TestGolden(t *testing.T) {
	for name, d := range dialects {
		t.Run(name, func(t *testing.T) {
			plan, err := Build(bankDatabase(), d, DefaultPolicies(), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := plan.SQL()
			path := filepath.Join("testdata", name+".sql")
			if *update {
				if err = os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the script changed; look at it and run with -update (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBuildIsDeterministic guards the plan against the order of Go's maps.
func TestBuildIsDeterministic(t *testing.T) {
	first := ""
	for range 20 {
		plan, err := Build(bankDatabase(), postgres, DefaultPolicies(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := plan.SQL(); first == "" {
			first = got
		} else if got != first {
			t.Fatalf("two builds differ:\n%s", cmp.Diff(first, got))
		}
	}
}
