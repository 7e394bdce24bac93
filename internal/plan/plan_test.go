package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"leap/internal/fault"
	"leap/internal/schema"
)

const good = `version: 1
sources:
  legacy:
    url: mysql://leap@db1:3306/bank
    password: ${LEGACY_PASSWORD}
targets:
  de:
    url: postgresql://leap@crdb-de:26257
    region: eu-central-1
    tls: {mode: verify-full, root_cert: /etc/ca.pem}
  uk:
    url: ${UK_URL}
    region: eu-west-2
countries:
  DE: eu-central-1
  GB: [eu-west-2, europe-west*]
tenant_column: tenant_id
tenants:
  - {name: alpha, id: 1, country: DE, target: de, database: alpha}
  - name: beta
    id: [2, 20]
    country: GB
    target: uk
    policies: {zero-date: null}
foreign_keys:
  - notes.account -> accounts
tables:
  - {match: tenants, column: id}
  - {match: [tpps, "ref_*"], shared: true}
  - match: transfers
    via: from_account -> accounts.id
  - {match: old_log, leave_out: replaced in 2019}
policies:
  zero-date: min
accept:
  - {id: "trigger-dropped:*", reason: done in the application, who: kim}
`

func TestRead(t *testing.T) {
	p, err := Read("plan.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	beta := p.Tenant("beta")
	if beta.Source != "legacy" || !cmp.Equal(beta.ID, List{"2", "20"}) || p.PolicyNames(beta)["zero-date"] != "null" {
		t.Errorf("got %+v with policies %v", beta, p.PolicyNames(beta))
	}
	if got := p.AllowedRegions(beta); !cmp.Equal(got, []string{"eu-west-2", "europe-west*"}) {
		t.Errorf("beta may lie in %v", got)
	}
	if p.Limits.SourceConnections != DefaultSourceConnections || !p.Tables[1].Shared || p.Tables[3].LeaveOut == "" {
		t.Errorf("got %+v", p)
	}
}

func TestEndpoints(t *testing.T) {
	p, err := Read("plan.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"LEGACY_PASSWORD": "s3cret", "UK_URL": "postgresql://root:other@uk:26257/beta?sslmode=require"}
	outside := Outside{Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }, File: os.ReadFile}
	ends, problems := p.Endpoints(p.Tenants, outside)
	if problems != nil {
		t.Fatal(problems)
	}
	if e := ends["alpha"]; e.Source.Password.Reveal() != "s3cret" ||
		e.Target.String() != "postgresql://leap@crdb-de:26257/alpha?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem" {
		t.Errorf("got %v and %v", e.Source, e.Target)
	}
	if e := ends["beta"].Target; e.Password.Reveal() != "other" || e.Database != "beta" {
		t.Errorf("got %v", e)
	}
	env = nil
	_, problems = p.Endpoints(p.Tenants, outside)
	if len(problems) != 2 || problems[0].Line != 5 || !strings.Contains(problems[0].Text, "LEGACY_PASSWORD") ||
		!strings.Contains(problems[0].Remedy, "export LEGACY_PASSWORD=") {
		t.Errorf("got %v", problems)
	}
}

// TestReferenceInAddress: what a reference inside an address stands for arrives
// as it is, whatever characters it has.
func TestReferenceInAddress(t *testing.T) {
	text := change(t, "mysql://leap@db1:3306/bank\n    password: ${LEGACY_PASSWORD}", "mysql://leap:${PASSWORD}@db1:3306/${NAME}?sslrootcert=${FILE}")
	p, err := Read("plan.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"UK_URL": "postgresql://root@uk:26257/beta", "NAME": "the bank", "FILE": "/etc/my ca+1.pem"}
	outside := Outside{Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }, File: os.ReadFile}
	for _, password := range []string{"two words", "+", "%20", "p@ss/w?r#d&=;:%", "ü"} {
		env["PASSWORD"] = password
		ends, problems := p.Endpoints(p.Tenants, outside)
		if problems != nil {
			t.Errorf("%q: %v", password, problems)
		}
		if e := ends["alpha"].Source; e.Password.Reveal() != password || e.Database != "the bank" || e.TLS.RootCert != "/etc/my ca+1.pem" {
			t.Errorf("%q arrives as %q, in %s", password, e.Password.Reveal(), e)
		}
	}
}

// change is good with one text replaced.
func change(t *testing.T, old, text string) string {
	t.Helper()
	if !strings.Contains(good, old) {
		t.Fatalf("the plan has no %q", old)
	}
	return strings.Replace(good, old, text, 1)
}

func TestReadProblems(t *testing.T) {
	for name, test := range map[string]struct {
		old, text string
		want      string // place and text
		remedy    string
	}{
		"unknown key":              {"tenant_column:", "tenant_colum:", `plan.yaml:17:1: there is no key "tenant_colum" in the plan`, `did you mean "tenant_column"?`},
		"unknown key of a table":   {"match: transfers", "mach: transfers", `plan.yaml:30:5: there is no key "mach" in tables[2]`, `did you mean "match"?`},
		"twice the same key":       {"version: 1\n", "version: 1\nversion: 1\n", `plan.yaml:2:1: "version" is there twice`, "keep one"},
		"no value":                 {"tenant_column: tenant_id", "tenant_column:", "plan.yaml:17:1: tenant_column has no value", "take the line out"},
		"list for a text":          {"tenant_column: tenant_id", "tenant_column: [a, b]", "plan.yaml:17:1: tenant_column is not a text", "one text"},
		"text for a list":          {"  - {id: \"trigger-dropped:*\", reason: done in the application, who: kim}", "  all", "plan.yaml:35:1: accept is not a list", "dash"},
		"not YAML":                 {"countries:", "countries: {", "plan.yaml:", "YAML"},
		"another version":          {"version: 1", "version: 2", "plan.yaml:1:1: this program knows no plan of version 2", "version: 1"},
		"password in a URL":        {"leap@db1", "leap:hunter2@db1", "plan.yaml:4:5: the address has a password", "${NAME}"},
		"password":                 {"${LEGACY_PASSWORD}", "hunter2", "plan.yaml:5:5: the plan holds a password", "${NAME}"},
		"duplicate tenant":         {"name: beta", "name: alpha", `plan.yaml:20:5: two tenants are called "alpha"; the first is on line 19`, "another name"},
		"duplicate id":             {"[2, 20]", "[2, 1]", "plan.yaml:21:5: id 1 is that of tenant alpha already", "one tenant"},
		"no id":                    {"    id: [2, 20]\n", "", "plan.yaml:20:5: tenant beta does not say which rows are its own", "own_database"},
		"one database for two":     {"target: uk", "target: de\n    database: alpha\n    domicile: unchecked", "plan.yaml:24:5: tenants alpha and beta would both go into database alpha of target de", "of its own"},
		"unknown target":           {"target: uk", "target: us", `plan.yaml:23:5: there is no target "us"`, `did you mean "uk"?`},
		"region not allowed":       {"country: GB", "country: DE", "plan.yaml:23:5: tenant beta of DE must not go to target uk, which is in eu-west-2", "eu-central-1"},
		"unknown country":          {"country: GB", "country: FR", "plan.yaml:22:5: countries does not say where tenants of FR may lie", "domicile: unchecked"},
		"regions of one place":     {"    region: eu-central-1\n", "    region: eu-central-1\n    regions: [eu-central-1, eu-north-1]\n", "plan.yaml:10:5: target de is said to be in eu-central-1 with all of its nodes, and to have the region eu-north-1", "take region: out"},
		"a region twice":           {"    region: eu-west-2", "    regions: [eu-west-2, eu-west-2]", "plan.yaml:13:26: region eu-west-2 is there twice", "keep one"},
		"copies where not allowed": {"    region: eu-west-2", "    regions: [eu-west-2, us-east1]", "plan.yaml:20:5: tenant beta of GB must not go to target uk, which keeps copies of its rows in us-east1", "eu-west-2 or europe-west*"},
		"rows without regions":     {"database: alpha}", "database: alpha, crdb_region: eu-central-1}", "plan.yaml:19:68: tenant alpha has a crdb_region, and target de has no regions", "regions:"},
		"two things at once":       {"column: id", "column: id, shared: true", "plan.yaml:28:6: the rule for tenants says several things: column, shared", "keep one"},
		"nothing at all":           {", leave_out: replaced in 2019", "", "plan.yaml:32:6: the rule for old_log does not say how", "leave_out"},
		"undecided":                {"leave_out: replaced", "decide: replaced", "plan.yaml:32:22: nobody has decided yet how old_log belongs to a tenant", "replace the line"},
		"bad way":                  {"from_account -> accounts.id", "from_account -> ", `plan.yaml:31:5: "from_account ->" does not lead`, "parent.column"},
		"bad foreign key":          {"notes.account -> accounts", "account -> accounts", "plan.yaml:26:5: \"account -> accounts\" is not a foreign key", "table.column"},
		"excluded without a table": {"policies:\n  zero-date: min", "exclude:\n  - {columns: photo, reason: x}", `plan.yaml:34:6: "photo" does not name a column`, "table.column"},
		"excluded for no reason":   {"policies:\n  zero-date: min", "exclude:\n  - {columns: a.b}", `plan.yaml:34:6: exclude[0] has no reason`, "add reason"},
		"filter of today":          {"policies:\n  zero-date: min", "filters:\n  - {tables: notes, where: day > NOW(), reason: x}", "plan.yaml:34:21: the condition uses NOW", "always the same"},
		"renamed table and column": {"policies:\n  zero-date: min", "rename:\n  - {table: a, column: a.b, to: c}", "plan.yaml:34:6: a renaming is of one table or of one column", "table: name"},
		"renamed many":             {"policies:\n  zero-date: min", "rename:\n  - {table: 'a*', to: c}", "plan.yaml:34:6: two things cannot have one name", "by itself"},
		"masks without a key":      {"policies:\n  zero-date: min", "mask:\n  columns: [{match: a.b, as: name}]", "plan.yaml:33:1: the masks have no key", "${NAME}"},
		"masks with the key":       {"policies:\n  zero-date: min", "mask:\n  key: hunter2\n  columns: [{match: a.b, as: name}]", "plan.yaml:34:3: the plan holds the key", "${NAME}"},
		"unknown mask":             {"policies:\n  zero-date: min", "mask:\n  key: ${K}\n  columns: [{match: a.b, as: mail}]", `plan.yaml:35:26: there is no mask "mail"`, `did you mean "email"?`},
		"mask of a table":          {"policies:\n  zero-date: min", "mask:\n  key: ${K}\n  columns: [{match: a, as: name}]", `plan.yaml:35:14: "a" does not name a column`, "table.column"},
		"all accepted":             {`"trigger-dropped:*"`, `"*:*"`, "plan.yaml:36:6: accepting everything", "name the losses"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("plan.yaml", []byte(change(t, test.old, test.text)))
			if err == nil {
				t.Fatal("the plan was taken")
			}
			if fault.ClassOf(err) != fault.Usage || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("class %d: %v", fault.ClassOf(err), err)
			}
			bad, ok := errors.AsType[*Error](err)
			if !ok {
				t.Fatalf("%T is no list of problems", err)
			}
			problems := bad.Problems
			if !strings.HasPrefix(problems[0].String(), test.want) || !strings.Contains(problems[0].Remedy, test.remedy) {
				t.Errorf("got %q with remedy %q", problems[0].String(), problems[0].Remedy)
			}
		})
	}
}

func TestReadFindsSeveral(t *testing.T) {
	text := strings.NewReplacer("version: 1", "version: one", "tenant_column", "tenant", "shared: true", "shared: maybe").Replace(good)
	_, err := Read("plan.yaml", []byte(text))
	bad, _ := errors.AsType[*Error](err)
	if problems := bad.Problems; len(problems) != 3 || problems[0].Line != 1 || problems[1].Line != 17 || problems[2].Line != 29 {
		t.Errorf("got %v", err)
	}
}

func TestAnchors(t *testing.T) {
	text := strings.Replace(good, "  - name: beta\n", "  - name: beta\n    <<: *rest\n", 1)
	text = strings.Replace(text, "    country: GB\n    target: uk\n", "", 1) + "x-rest: &rest\n  country: GB\n  target: uk\n"
	p, err := Read("plan.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if beta := p.Tenant("beta"); beta.Target != "uk" || beta.Country != "GB" {
		t.Errorf("got %+v", beta)
	}
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"*", "", true},
		{"a*", "a", true},
		{"*a", "ba", true},
		{"a*b*c", "a-b-c", true},
		{"a*b*c", "acb", false},
		{"ab*ba", "aba", false},
		{"a*b*", "ab", true},
		{"?", "a", false},
	} {
		if got := Match(test.pattern, test.text); got != test.want {
			t.Errorf("Match(%q, %q) = %v", test.pattern, test.text, got)
		}
	}
}

// sample is a database with tables of the given columns; a column that is
// written parent.column refers to it.
func sample(tables map[string]string) *schema.Database {
	db := &schema.Database{Name: "bank"}
	for _, name := range keys(tables) {
		t := &schema.Table{Name: name, PrimaryKey: &schema.Index{Parts: []schema.KeyPart{{Column: "id"}}}}
		for c := range strings.FieldsSeq("id " + tables[name]) {
			column, ref, _ := strings.Cut(c, ">")
			t.Columns = append(t.Columns, schema.Column{Name: column, Type: schema.Type{Base: "bigint"}})
			if ref != "" {
				t.ForeignKeys = append(t.ForeignKeys, schema.ForeignKey{Columns: []string{column}, RefTable: ref, RefColumns: []string{"id"}})
			}
		}
		db.Tables = append(db.Tables, t)
	}
	return db
}

var bank = map[string]string{
	"tenants": "name", "accounts": "tenant_id>tenants", "tpps": "", "ref_days": "", "old_log": "",
	"transfers": "from_account>accounts to_account>accounts",
	"notes":     "account parent>notes", "tags": "note>notes",
}

func with(tables map[string]string, more ...string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, tables)
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

func TestBelong(t *testing.T) {
	p, err := Read("plan.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	beta := p.Tenant("beta")
	tables, problems := p.Belong(beta, sample(with(bank, "a", "b>b tag>tags", "b", "a>a", "odd", "note>notes Tenant_ID")), nil)
	if problems != nil {
		t.Fatal(problems)
	}
	got := map[string]string{}
	for _, b := range tables {
		got[b.Table] = b.String()
	}
	want := map[string]string{
		"tenants": "id", "accounts": "tenant_id", "odd": "Tenant_ID", "tpps": "whole", "ref_days": "whole", "old_log": "left out: replaced in 2019",
		"transfers": "from_account -> accounts.id, tenant_id", "notes": "account -> accounts.id, tenant_id",
		"tags": "note -> notes.id, account -> accounts.id, tenant_id",
		"a":    "tag -> tags.id, note -> notes.id, account -> accounts.id, tenant_id", // in a cycle with b
		"b":    "a -> a.id, tag -> tags.id, note -> notes.id, account -> accounts.id, tenant_id",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	parts := Slices(beta, tables)
	if s := parts["tags"]; len(parts) != 8 || s.Column != "tenant_id" || len(s.Path) != 2 || !cmp.Equal(s.Values, []string{"2", "20"}) {
		t.Errorf("got %+v", parts)
	}
	if out := LeftOut(tables); len(out) != 1 || out["old_log"] == "" {
		t.Errorf("left out: %v", out)
	}
}

func TestBelongProblems(t *testing.T) {
	for name, test := range map[string]struct {
		old, text string
		tables    map[string]string
		want      string
		remedy    string
	}{
		"no way":         {"", "", with(bank, "island", ""), "plan.yaml:27:1: table island has no way to a tenant", "- match: island"},
		"ambiguous":      {"", "", with(bank, "links", "left>transfers right>notes third>notes"), "plan.yaml:27:1: table links leads to a tenant in 3 ways", "via: left -> transfers.id or via: right -> notes.id or"},
		"unknown column": {"column: id", "column: no", bank, `plan.yaml:28:22: table tenants has no column "no"`, "id"},
		"unknown table":  {"match: transfers", "match: transfer", bank, `plan.yaml:30:5: the source database bank has no table "transfer"`, `"transfers"`},
		"unknown parent": {"-> accounts.id", "-> accounts.no", bank, `plan.yaml:31:5: table accounts has no column "no"`, "id"},
		"dead end":       {"from_account -> accounts.id", "from_account -> tpps.id", bank, "plan.yaml:31:5: table transfers belongs by tpps, which leads to no tenant", "reference data"},
		"two patterns":   {`"ref_*"]`, `"ref_*", "*_days"]`, bank, "", ""},
		"no column":      {"tenant_column: tenant_id", "tenant_column: customer", bank, `plan.yaml:17:1: no table of the source database bank has a column "customer"`, "name the column"},
		"no number":      {"[2, 20]", "[two]", bank, "plan.yaml:21:5: id two cannot be in accounts.tenant_id", "number"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Read("plan.yaml", []byte(change(t, test.old, test.text)))
			if err != nil {
				t.Fatal(err)
			}
			var uses Uses
			_, problems := p.Belong(p.Tenant("beta"), sample(test.tables), &uses)
			problems = append(problems, uses.Useless()...)
			if test.want == "" {
				if problems != nil {
					t.Errorf("one rule with two patterns: %v", problems)
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

func TestJSONSchema(t *testing.T) {
	text, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err = compiler.AddResource("plan.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text string) error {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		return compiled.Validate(instance)
	}
	if err := valid(good); err != nil {
		t.Errorf("a good plan is refused: %v", err)
	}
	for _, bad := range [][2]string{
		{"tenant_column:", "tenant_colum:"}, {"version: 1", "version: 2"}, {"shared: true", "shared: maybe"}, {"  - name: beta\n    id: [2, 20]", "  - id: [2, 20]"},
	} {
		if valid(change(t, bad[0], bad[1])) == nil {
			t.Errorf("%q for %q is taken", bad[1], bad[0])
		}
	}
}

// The rows of a tenant are at home where it says, or in the first region of its cluster.
func TestRegionOf(t *testing.T) {
	text := strings.NewReplacer("    region: eu-west-2", "    regions: [eu-west-2, europe-west9]",
		"    country: GB\n", "    country: GB\n    crdb_region: europe-west9\n").Replace(good)
	p, err := Read("plan.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.RegionOf(p.Tenant("alpha")); got != "" {
		t.Errorf("alpha goes to a cluster without regions, and its rows to %q", got)
	}
	beta := p.Tenant("beta")
	if got := p.RegionOf(beta); got != "europe-west9" {
		t.Errorf("beta's rows go to %q", got)
	}
	beta.CRDBRegion = ""
	if got := p.RegionOf(beta); got != "eu-west-2" {
		t.Errorf("without a word of its own, beta's rows go to %q", got)
	}
	_, err = Read("plan.yaml", []byte(strings.Replace(text, "crdb_region: europe-west9", "crdb_region: eu-north-1", 1)))
	if err == nil || !strings.Contains(err.Error(), "target uk has no region eu-north-1") {
		t.Errorf("got %v", err)
	}
}
