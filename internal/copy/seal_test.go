package copy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"leap/internal/checkpoint"
	"leap/internal/fault"
	"leap/internal/row"
	"leap/internal/schema"
)

// Keys of masked columns come back from the checkpoint as they were, and cannot
// be read there.
func TestSeals(t *testing.T) {
	masked := func(secret string) seals {
		hidden := schema.ColumnMapping{Name: "iban", Mask: &schema.Mask{As: schema.MaskIBAN, Key: schema.NewMaskKey(secret)}}
		return sealsOf([]*schema.Mapping{{SourceName: "ibans"}, {SourceName: "plain"}}, func(m *schema.Mapping) []schema.ColumnMapping {
			if m.SourceName == "plain" {
				return []schema.ColumnMapping{{Name: "id"}}
			}
			return []schema.ColumnMapping{{Name: "bank"}, hidden}
		})
	}
	s := masked("a secret for this test")
	cut := row.Key{"7", "DE89\x00ü"}
	for table, hides := range map[string]bool{"ibans": true, "plain": false} {
		want := []checkpoint.Segment{
			{Table: table, Range: row.Range{UpTo: cut}},
			{Table: table, ID: 1, Range: row.Range{After: cut, UpTo: row.Key{"", ""}}},
			{Table: table, ID: 2, Range: row.Range{After: row.Key{"", ""}}},
		}
		closed, err := s.closeAll(want)
		if err != nil || strings.Contains(closed[0].Range.UpTo.String(), "DE89") == hides || !cmp.Equal(closed[0].Range.UpTo, closed[1].Range.After) {
			t.Errorf("%s: %v %v", table, closed, err)
		}
		got, err := s.openAll(closed)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", table, err, diff)
		}
		if _, err = masked("another secret for it").openAll(closed); (err != nil) != hides {
			t.Errorf("%s with another key: %v", table, err)
		}
		// A copy that an older version began cannot go on.
		if _, err = s.openAll(want); (err != nil) != hides || hides && (fault.ClassOf(err) != fault.Refused || fault.HintOf(err) == "") {
			t.Errorf("%s not sealed: %v", table, err)
		}
	}
}
