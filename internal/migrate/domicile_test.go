package migrate

import (
	"testing"

	"leap/internal/fault"
	"leap/internal/report"
	"leap/internal/target"
)

func TestDomicile(t *testing.T) {
	nodes := func(regions ...string) target.Whereabouts {
		var w target.Whereabouts
		for _, r := range regions {
			w.Nodes = append(w.Nodes, target.Node{ID: "1", Region: r})
		}
		return w
	}
	for name, test := range map[string]struct {
		want    Domicile
		where   target.Whereabouts
		verdict report.DomicileVerdict
		class   fault.Class
	}{
		"all at home":       {Domicile{Allowed: []string{"eu-*"}}, nodes("eu-1", "eu-2"), report.DomicileHeld, 0},
		"one elsewhere":     {Domicile{Allowed: []string{"eu-*"}}, nodes("eu-1", "us-1"), report.DomicileBroken, fault.Refused},
		"elsewhere or none": {Domicile{Allowed: []string{"eu-*"}}, nodes("", "us-1"), report.DomicileBroken, fault.Refused},
		"one does not say":  {Domicile{Allowed: []string{"eu-*"}}, nodes("eu-1", ""), report.DomicileUnknown, fault.Inconclusive},
		"none says":         {Domicile{Allowed: []string{"eu-*"}}, nodes(), report.DomicileUnknown, fault.Inconclusive},
		"not as the plan":   {Domicile{Allowed: []string{"eu-*"}, Region: "eu-1"}, nodes("eu-2"), report.DomicileBroken, fault.Refused},
	} {
		verdict, err := test.want.judge(test.where)
		if verdict != test.verdict || (err == nil) != (test.class == 0) || err != nil && fault.ClassOf(err) != test.class {
			t.Errorf("%s: %s, %v", name, verdict, err)
		}
	}
}
