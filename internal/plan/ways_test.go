package plan

import (
	"strings"
	"testing"
)

// A text that is compared with a number equals more than it should, also where
// only a proof follows the key.
func TestKeysOfOneType(t *testing.T) {
	for base, want := range map[string]string{
		"varchar": "plan.yaml:26:5: notes.account (varchar) and accounts.id () cannot be compared", "date": "cannot be compared", "int": "", "decimal": "",
	} {
		p, err := Read("plan.yaml", []byte(good))
		if err != nil {
			t.Fatal(err)
		}
		db := sample(bank)
		note := db.Table("notes").Column("account")
		note.Type.Base, note.Type.Raw = base, base
		_, problems := p.Belong(p.Tenant("beta"), db, nil)
		if (want == "") != (problems == nil) || want != "" && !strings.Contains(problems.Err().Error(), want) {
			t.Errorf("%s: got %v", base, problems)
		}
	}
}

// A table with the tenant column is reference data only by its whole name.
func TestSharedByPattern(t *testing.T) {
	for text, want := range map[string]string{
		good: "plan.yaml:29:6: a pattern shares table ref_fees, whose column tenant_id tells tenants apart",
		change(t, `"ref_*"]`, `"ref_*", ref_fees]`): "",
	} {
		p, err := Read("plan.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, problems := p.Belong(p.Tenant("beta"), sample(with(bank, "ref_fees", "tenant_id")), nil)
		if (want == "") != (problems == nil) || want != "" && !strings.Contains(problems.Err().Error(), want) {
			t.Errorf("got %v, want %q", problems, want)
		}
	}
}
