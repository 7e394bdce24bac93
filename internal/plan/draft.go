package plan

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"

	"leap/internal/schema"
)

// Draft is what a commented plan is made of.
type Draft struct {
	// SourceURL is the source's address without a password; PasswordFrom the
	// variable that holds it, empty when there is none.
	SourceURL, PasswordFrom string
	// SchemaPath is where editors find the JSON schema; empty for nowhere.
	SchemaPath string
	Database   *schema.Database
	Guess      Guess
	// Tenants are the rows of the tenant table: key, label, country; without one
	// the draft has a place to fill in.
	Tenants [][3]string
}

// Write writes a plan with comments. What a person has to decide is marked with
// decide:, which Read refuses.
func (d Draft) Write() string {
	w := &writer{}
	w.head(d)
	w.tenants(d)
	w.tables(d)
	w.rest()
	return w.String()
}

type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...) // a Builder has no errors
}

// scalarText writes a text as YAML on one line, with quotes where it needs them.
func scalarText(text string) string {
	out, err := yaml.Marshal(text) // forgets tabs, and that .inf is a number
	strange := strings.HasPrefix(text, ".") || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
	if err != nil || strange || bytes.Count(out, []byte("\n")) > 1 {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSpace(string(out))
}

func (w *writer) head(d Draft) {
	if d.SchemaPath != "" {
		w.line("# yaml-language-server: $schema=%s", d.SchemaPath)
	}
	w.line(`# The plan of a move, drafted from the database %s.
# Go through it from top to bottom. Then:
#   migrate plan check --plan plan.yaml            what is wrong, and how much there is to move
#   migrate assess --plan plan.yaml --all          what will get lost
#   migrate run --plan plan.yaml --tenant NAME     move one tenant
version: 1

# Where the rows are. Passwords never stand in a plan: ${NAME} is a variable of
# the environment, password_file: a file.
sources:
  legacy:
    url: %s`, d.Database.Name, scalarText(d.SourceURL))
	if d.PasswordFrom != "" {
		w.line("    password: ${%s}", d.PasswordFrom)
	}
	w.line(`
# Where they go. region: is compared with what the nodes of the cluster say.
targets:
  cluster:
    url: postgresql://leap@crdb.example.com:26257   # <- the cluster; each tenant names its database
    password: ${CLUSTER_PASSWORD}
    # region: eu-central-1
    # regions: [eu-central-1, eu-west-1]   # of a multi-region cluster: tables become REGIONAL BY ROW
    # tls: {mode: verify-full, root_cert: /etc/ssl/crdb-ca.pem}

# In which regions the tenants of a country may lie. Clusters elsewhere are refused.
# countries:
#   DE: [eu-central-1, europe-west3]`)
}

func (w *writer) tenants(d Draft) {
	w.line("\n# The customers. Each moves into a database of its own.")
	if d.Guess.Country != "" {
		w.line("# country: is commented out until countries: above says where it may lie.")
	}
	w.line("tenants:")
	if len(d.Tenants) == 0 {
		w.line("  - name: acme            # <- what you call it")
		w.line("    id: 1                 # <- its value in the tenant column")
		w.line("    database: acme")
		return
	}
	seen := map[string]bool{}
	for _, t := range d.Tenants {
		name := tenantNameFrom(t[1], t[0])
		if seen[name] {
			name += "-" + tenantNameFrom("", t[0])
		}
		seen[name] = true
		w.line("  - name: %s", scalarText(name))
		w.line("    id: %s", scalarText(t[0]))
		if t[2] != "" {
			w.line("    # country: %s", scalarText(t[2]))
		}
		w.line("    database: %s", scalarText(strings.ToLower(strings.ReplaceAll(name, "-", "_"))))
	}
}

// tenantNameFrom makes a name of a label: letters, digits, _ and -.
func tenantNameFrom(label, key string) string {
	clean := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, strings.ToLower(label)), "-_")
	if clean == "" {
		clean = "t" + strings.Trim(strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, strings.ToLower(key)), "-")
	}
	return clean
}

func (w *writer) tables(d Draft) {
	g := d.Guess
	w.line("\n# A table with this column belongs to tenants by it. Other tables belong by the one")
	w.line("# shortest way of foreign keys that leads to such a table.")
	if g.TenantColumn == "" {
		w.line("tenant_column: tenant_id   # <- no column of %s looks like it: name it", d.Database.Name)
	} else {
		w.line("tenant_column: %s", scalarText(g.TenantColumn))
		if len(g.Others) > 0 {
			w.line("# It could also be %s.", strings.Join(g.Others, ", "))
		}
	}
	w.line(`
# Foreign keys that the source does not declare: table.column -> parent.column
# foreign_keys:
#   - transactions.account_id -> accounts.id
`)
	t := d.Database.Table(g.TenantTable)
	own := t != nil && t.Column(g.TenantColumn) == nil
	if !own && len(g.Undecided) == 0 {
		w.line("# How a table belongs where that is not so: column:, via:, shared: true, leave_out:\n# tables:")
		return
	}
	w.line(`# How a table belongs where that is not so. Each line with decide: waits for you:
# put one of these in its place.
#   column: NAME                     the tenant's id is in this column
#   via: column -> parent.column     it belongs as the row of the parent does
#   shared: true                     reference data: every tenant gets all of it
#   leave_out: the reason            it is not moved
tables:`)
	if own {
		w.line("  - match: %s\n    column: %s", scalarText(g.TenantTable), scalarText(g.TenantKey))
	}
	for _, u := range g.Undecided {
		w.undecided(u)
	}
	w.clear(g.Decided)
}

func (w *writer) undecided(u Undecided) {
	const few = 10_000 // rows: as much as reference data usually has
	why := "no way leads to a tenant"
	switch {
	case !u.ByName:
		why = fmt.Sprintf("%d ways of the same length lead to a tenant", len(u.Ways))
	case len(u.Ways) > 0:
		why = "no foreign key is declared, and a name suggests one"
	case u.Rows <= few:
		why = "no way leads to a tenant, and it is small; shared: true if it is reference data"
	}
	w.line("  - match: %s", scalarText(u.Table))
	w.line("    decide: %s", scalarText(why))
	for _, way := range u.Ways {
		w.line("    # via: %s", way)
	}
}

// clear lists the ways that were found, so that a person can look at them.
func (w *writer) clear(decided []Belonging) {
	some := slices.ContainsFunc(decided, func(b Belonging) bool { return len(b.Path) > 0 })
	if !some {
		return
	}
	w.line("# Found by foreign keys, and so not listed above:")
	for _, b := range decided {
		if len(b.Path) > 0 {
			w.line("#   %s: %s", b.Table, b)
		}
	}
}

func (w *writer) rest() {
	w.line(`
# Rows of divided tables that no tenant takes, on purpose. All others must belong to one.
# rest:
#   - {tables: "*", id: [99], reason: left the bank in 2019}
#   - {tables: audit_log, reason: rows without a customer}    # lead to no value at all

# What happens to values that cannot arrive as they are; the default refuses them.
# policies:
#   zero-date: "null"

# What may get lost, by the ids that migrate assess --plan lists.
# accept:
#   - id: trigger-dropped:*
#     reason: the application does it since version 7
#     who: kim@example.com

# limits:
#   tenants_at_once: %d
#   source_connections: %d    # to each source, by all tenants together`, DefaultTenantsAtOnce, DefaultSourceConnections)
}
