package plan

import (
	"strings"
	"testing"

	"leap/internal/schema"
)

// shares are entries for tenants with different tables: alpha leaves out what beta
// has, and own comes from a database with other tables.
const shares = `exclude:
  - {columns: [notes.parent, vault.pin, "*.legacy"], reason: x}
filters:
  - {tables: [notes, "va*"], where: a = 1, reason: x}
rename:
  - {table: notes, to: remarks}
  - {column: vault.code, to: secret}
mask:
  key: ${K}
  columns: [{match: [notes.body, vault.code], as: name}]
rest:
  - {tables: [accounts, notes], id: 9, reason: x}
`

// sharing reads the plan with one text replaced; the databases are by tenant.
func sharing(t *testing.T, old, text string) (*Plan, map[string]*schema.Database) {
	t.Helper()
	whole := strings.NewReplacer(
		"database: alpha}", "database: alpha, tables: [{match: [notes, tags], leave_out: not needed}]}",
		"foreign_keys:\n", "  - {name: own, own_database: own, country: GB, target: uk}\nforeign_keys:\n",
		"policies:\n  zero-date: min\n", shares,
	).Replace(good)
	if !strings.Contains(whole, old) {
		t.Fatalf("the plan has no %q", old)
	}
	p, err := Read("plan.yaml", []byte(strings.Replace(whole, old, text, 1)))
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) schema.Column {
		return schema.Column{Name: name, Type: schema.Type{Base: "varchar", Raw: "varchar(40)", Length: 40}}
	}
	common, own := sample(bank), sample(map[string]string{"vault": "pin legacy", "audit": "vault"})
	notes, vault := common.Table("notes"), own.Table("vault")
	notes.Columns, vault.Columns = append(notes.Columns, column("body")), append(vault.Columns, column("code"))
	return p, map[string]*schema.Database{"alpha": common, "beta": common, "own": own}
}

// What one tenant has no use for is another's. What nobody has is a problem, and so
// is a column that one tenant's table does not have.
func TestUses(t *testing.T) {
	const everybody, rules = "alpha beta own", "  - {match: tenants, column: id}\n"
	for name, test := range map[string]struct {
		tenants, old, text string
		useless            []string // with remedies
		wrong              string   // for a tenant, whatever the others have
	}{
		"all": {everybody, "", "", nil, ""},
		"one leaves out, one has others": {"alpha own", "", "", []string{
			"35:16: no column that is moved is called notes.parent", "37:15: no table that is moved is called notes", "39:6: no table that is moved is called notes",
			"43:22: no column that is moved is called notes.body", "45:25: notes is no table that is divided among tenants",
		}, ""},
		"without the other database": {"alpha beta", "", "", []string{
			"35:30: no column that is moved is called vault.pin", "35:41: no column that is moved is called *.legacy", "37:22: no table that is moved is called va*",
			"40:6: no column that is moved is called vault.code", "43:34: no column that is moved is called vault.code",
		}, ""},
		"slip in a column":           {everybody, "vault.pin", "vaults.pin", []string{`35:30: no column that is moved is called vaults.pin; did you mean "vault"?`}, ""},
		"slip in a mask":             {everybody, "notes.body", "note.body", []string{`43:22: no column that is moved is called note.body; did you mean "notes"?`}, ""},
		"slip in a mask of patterns": {everybody, "notes.body", `"*.bodies"`, []string{"43:22: no column that is moved is called *.bodies"}, ""},
		"slip in a filter":           {everybody, `"va*"`, `"val*"`, []string{"37:22: no table that is moved is called val*"}, ""},
		"slip in a name":             {everybody, "table: notes", "table: note", []string{`39:6: no table that is moved is called note; did you mean "notes"?`}, ""},
		"slip in the rest":           {everybody, "[accounts, notes], id", "[accounts, note], id", []string{"45:25: note is no table that is divided among tenants"}, ""},
		"column that is not there":   {everybody, "vault.pin", "vault.pim", nil, `35:30: no column that is moved is called vault.pim; did you mean "pin"?`},
		"mask that is not there":     {everybody, "notes.body", "notes.bdy", nil, `43:22: no column that is moved is called notes.bdy; did you mean "body"?`},
		"rule for the other":         {everybody, rules, rules + "  - {match: audit, leave_out: x}\n", nil, ""},
		"rule for nobody":            {everybody, rules, rules + "  - {match: [\"olds_*\", audits], leave_out: x}\n", []string{`30:6: the source database bank has no table "olds_*"`, `30:6: the source database bank has no table "audits"`}, ""},
		"rule that it does not need": {everybody, rules, rules + "  - {match: audit, shared: true}\n", []string{`30:6: the source database bank has no table "audit"`}, ""},
		"key of the other":           {everybody, "accounts\n", "accounts\n  - audit.vault -> vault.id\n", nil, ""},
		"key of nobody":              {everybody, "accounts\n", "accounts\n  - audits.vault -> vault.id\n", []string{`28:5: the source database bank has no table "audits"`}, ""},
		"rule of its own":            {everybody, "[notes, tags]", "[notes, tags, vault]", nil, `19:78: the source database bank has no table "vault"`},
	} {
		t.Run(name, func(t *testing.T) {
			p, dbs := sharing(t, test.old, test.text)
			var uses Uses
			var wrong Problems
			for name := range strings.FieldsSeq(test.tenants) {
				tables, problems := p.Belong(p.Tenant(name), dbs[name], nil)
				_, more := p.Changes(dbs[name], tables, nil)
				wrong = append(append(wrong, problems...), more...)
				p.Look(p.Tenant(name), dbs[name], &uses)
			}
			want := test.useless
			if test.wrong != "" {
				want = append(want, test.wrong)
			}
			same(t, append(wrong, uses.Useless()...).Distinct(), want...)
			if got := wrong != nil; got != (test.wrong != "") {
				t.Errorf("wrong for a tenant: %v", wrong)
			}
		})
	}
}

// same compares problems with their places, texts and the beginnings of remedies.
func same(t *testing.T, got Problems, want ...string) {
	t.Helper()
	for i, p := range got {
		if i >= len(want) || !strings.HasPrefix(p.String()+"; "+p.Remedy, "plan.yaml:"+want[i]) {
			t.Errorf("got %s; %s", p, p.Remedy)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d problems, want %d", len(got), len(want))
	}
}

// What others have a use for is no slip; what is a problem for them is theirs.
func TestSettle(t *testing.T) {
	p, dbs := sharing(t, "", "")
	var uses, others Uses
	p.Look(p.Tenant("own"), dbs["own"], &uses)
	p.Look(p.Tenant("beta"), dbs["beta"], &others)
	if len(uses.Useless()) == 0 || len(others.Useless()) == 0 {
		t.Fatal("there is nothing to settle")
	}
	uses.Settle(&others)
	same(t, uses.Useless())
}

// Rules about whose rows are whose are not for a database of the tenant's own.
func TestOwnDatabase(t *testing.T) {
	p, err := Read("plan.yaml", []byte(change(t, "    id: [2, 20]\n", "    own_database: beta\n")))
	if err != nil {
		t.Fatal(err)
	}
	var uses Uses
	tables, problems := p.Belong(p.Tenant("beta"), sample(map[string]string{"old_log": "", "island": ""}), &uses)
	if problems != nil || uses.Useless() != nil || len(tables) != 2 || tables[0].Sliced() || tables[1].LeaveOut == "" {
		t.Errorf("got %v, %v", tables, problems)
	}
}
