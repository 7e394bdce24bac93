package plan

import (
	"os"
	"slices"
	"strings"
	"testing"

	"leap/internal/schema"
)

// maskable is a database of texts, with what can be wrong about masking them.
func maskable() *schema.Database {
	db := sample(bank)
	column := func(name, base string, length int64) schema.Column {
		return schema.Column{Name: name, Type: schema.Type{Base: base, Raw: base, Length: length}}
	}
	computed := column("upper_name", "varchar", 40)
	computed.Generated = &schema.Generated{Expression: "upper(`name`)"}
	tenants, notes, days := db.Table("tenants"), db.Table("notes"), db.Table("ref_days")
	tenants.Columns = []schema.Column{column("id", "bigint", 20), column("name", "varchar", 40), computed, column("code", "char", 8)}
	notes.Columns = append(notes.Columns, column("code", "varchar", 40), column("short", "varchar", 40))
	days.Columns = append(days.Columns, column("note_code", "varchar", 40))
	days.ForeignKeys = append(days.ForeignKeys, schema.ForeignKey{Columns: []string{"note_code"}, RefTable: "notes", RefColumns: []string{"code"}})
	notes.Indexes = []schema.Index{{Name: "by_short", Unique: true, Parts: []schema.KeyPart{{Column: "short", Prefix: 4}}}}
	return db
}

func TestMaskProblems(t *testing.T) {
	for name, test := range map[string]struct{ columns, want, remedy string }{
		"fine":             {"{match: [notes.code, ref_days.note_code], as: iban}", "", ""},
		"one end":          {"{match: notes.code, as: hash}", "plan.yaml:36:8: ref_days.note_code refers to notes.code, and they are not masked alike", "both"},
		"two ways":         {"{match: notes.code, as: hash}\n    - {match: ref_days.note_code, as: name}", "plan.yaml:37:8: ref_days.note_code refers to notes.code", "the same way"},
		"way to a tenant":  {"{match: notes.account, as: hash}", "plan.yaml:36:8: notes.account is , and masks replace texts", "exclude"},
		"tenant column":    {"{match: tenants.id, as: hash}", "plan.yaml:36:8: tenants.id tells the tenants apart", "proven"},
		"too short":        {"{match: tenants.code, as: email}", "plan.yaml:36:8: tenants.code is char, and what email makes has 32 characters", "mask it as name"},
		"computed":         {"{match: tenants.upper_name, as: name}", "plan.yaml:36:8: tenants.upper_name is computed", "exclude it"},
		"computed from it": {"{match: tenants.name, as: name}", "plan.yaml:36:8: tenants.upper_name is computed from name, which is masked", "exclude tenants.upper_name"},
		"unique beginning": {"{match: notes.short, as: name}", "plan.yaml:36:8: the first 4 characters of notes.short are unique (by_short)", ""},
		"unknown":          {"{match: notes.cod, as: name}", "plan.yaml:36:8: no column that is moved is called notes.cod", `"code"`},
		"both":             {"{match: notes.code, as: name}\n    - {match: '*.code', as: hash}", "plan.yaml:37:8: notes.code is masked as name and as hash", "keep one"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Read("plan.yaml", []byte(change(t, "policies:\n  zero-date: min", "mask:\n  key: ${K}\n  columns:\n    - "+test.columns)))
			if err != nil {
				t.Fatal(err)
			}
			db := maskable()
			tables, problems := p.Belong(p.Tenant("beta"), db, nil)
			if problems != nil {
				t.Fatal(problems)
			}
			_, problems = p.Changes(db, tables, nil)
			if test.want == "" {
				if problems != nil {
					t.Errorf("got %v", problems)
				}
				return
			}
			found := slices.ContainsFunc(problems, func(p Problem) bool {
				return strings.HasPrefix(p.String(), test.want) && strings.Contains(p.Remedy, test.remedy)
			})
			if !found {
				t.Errorf("got %v", problems)
			}
		})
	}
}

func TestMaskKey(t *testing.T) {
	const key = "0123456789abcdef"
	outside := Outside{
		Env: func(n string) (string, bool) { return map[string]string{"K": key, "SHORT": key[1:]}[n], n != "NONE" },
		File: func(n string) ([]byte, error) {
			if n == "good" {
				return []byte(key + "\n"), nil
			}
			return nil, os.ErrNotExist
		},
	}
	for line, want := range map[string]string{
		"key: ${K}": "", "key_file: good": "", "key: ${NONE}": "the environment has no NONE", "key: ${SHORT}": "the key has 15 bytes", "key_file: bad": "cannot be read",
	} {
		p, err := Read("plan.yaml", []byte(change(t, "policies:\n  zero-date: min", "mask:\n  "+line+"\n  columns: [{match: a.b, as: name}]")))
		if err != nil {
			t.Fatal(err)
		}
		got, problems := p.MaskKey(outside)
		if want == "" && (problems != nil || string(got.Reveal()) != key) {
			t.Errorf("%s: %v, %q", line, problems, got.Reveal())
		}
		if want != "" && (len(problems) != 1 || problems[0].Line != 34 || !strings.Contains(problems[0].Text, want)) {
			t.Errorf("%s: %v", line, problems)
		}
	}
}
