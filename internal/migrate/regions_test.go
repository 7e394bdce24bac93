package migrate

import (
	"strings"
	"testing"

	"leap/internal/fault"
)

func TestRegionsOfTheCluster(t *testing.T) {
	want := &Regions{Database: []string{"eu-1", "eu-2"}, Home: "eu-2"}
	if err := want.among([]string{"eu-1", "eu-2", "us-1"}); err != nil {
		t.Error(err)
	}
	for _, test := range []struct {
		have []string
		text string
	}{
		{[]string{"eu-1", "us-1"}, "the region eu-2, and the cluster has no node there: its nodes are in eu-1, us-1"},
		{nil, "the region eu-1, and the cluster has no node there: none of its nodes says"},
	} {
		err := want.among(test.have)
		if err == nil || !strings.Contains(err.Error(), test.text) || fault.ClassOf(err) != fault.Refused || fault.HintOf(err) == "" {
			t.Errorf("of %v: %v (hint %q)", test.have, err, fault.HintOf(err))
		}
	}
}
