// Package plan owns the plan file: who the tenants are, where their rows lie
// and go, how each table belongs to a tenant, what may get lost on the way, and
// how hard the sources may be worked. It reads the file and says with line,
// column and remedy what is wrong with it, by itself (Read) and against what a
// source holds (Plan.Belong). It opens no database, no file and no environment.
package plan

import "maps"

// Version is the only form of the file that there is so far.
const Version = 1

// Plan is a plan file. Read makes it. The doc tags are what editors show, by
// way of JSONSchema.
type Plan struct {
	Version      int                `yaml:"version" required:"true" doc:"The form of this file: 1."`
	Sources      map[string]*Source `yaml:"sources" required:"true" doc:"The legacy databases, by a name of your choice."`
	Targets      map[string]*Target `yaml:"targets" required:"true" doc:"The CockroachDB clusters, by a name of your choice."`
	Tenants      []*Tenant          `yaml:"tenants" required:"true" doc:"The customers, each of whom moves into a database of its own."`
	TenantColumn string             `yaml:"tenant_column" doc:"A table with this column belongs to tenants by it, unless a rule under tables says otherwise."`
	ForeignKeys  List               `yaml:"foreign_keys" doc:"Foreign keys that the source does not declare: table.column -> parent.column, or table(a, b) -> parent(a, b)."`
	Tables       []*Table           `yaml:"tables" doc:"How tables belong to a tenant, where that is not by the tenant column or by the one shortest path of foreign keys."`
	Rest         []*Rest            `yaml:"rest" doc:"Rows of divided tables that no tenant takes, on purpose. All others must belong to one."`
	Exclude      []*Exclusion       `yaml:"exclude" doc:"Columns that are not moved. Each is a loss that has to be accepted."`
	Filters      []*Filter          `yaml:"filters" doc:"Conditions for rows to be moved, besides whose they are. Each is a loss that has to be accepted."`
	Rename       []*Renaming        `yaml:"rename" doc:"What tables and columns are called on the target. A database is renamed by database: of the tenant."`
	Mask         *Masking           `yaml:"mask" doc:"Values to be replaced, for a rehearsal with data that may be seen. Each column is a loss that has to be accepted."`
	Countries    map[string]List    `yaml:"countries" doc:"The regions in which a country's tenants may lie, * standing for anything: DE: [eu-central-1, europe-west*]."`
	Domicile     string             `yaml:"domicile" enum:"checked,unchecked" doc:"unchecked: do not compare the regions of target clusters with what countries allow."`
	Policies     map[string]string  `yaml:"policies" doc:"What happens to values that cannot arrive as they are, as with --policy: zero-date: null."`
	Accept       []*Acceptance      `yaml:"accept" doc:"What may get lost, by the ids that migrate assess --plan lists. Nothing moves before each loss is accepted."`
	Limits       Limits             `yaml:"limits" doc:"How much may run at the same time."`

	name  string
	marks map[string]mark // of everything in the file, by its path
}

// Source is a MySQL or MariaDB server with the tenants' rows.
type Source struct {
	URL          string `yaml:"url" required:"true" doc:"mysql://user@host:3306/database, without a password, or a reference such as ${LEGACY_URL} to a whole address in the environment."`
	Password     string `yaml:"password" doc:"A reference to the environment, such as ${LEGACY_PASSWORD}. Passwords themselves do not belong into a plan."`
	PasswordFile string `yaml:"password_file" doc:"A file with the password."`
	TLS          *TLS   `yaml:"tls" doc:"How the connection is protected."`
}

// Target is a CockroachDB cluster.
type Target struct {
	URL          string `yaml:"url" required:"true" doc:"postgresql://user@host:26257, with or without a database, without a password; or a reference such as ${CLUSTER_URL}."`
	Database     string `yaml:"database" doc:"The database, where neither the address nor the tenant names one."`
	Password     string `yaml:"password" doc:"A reference to the environment, such as ${CLUSTER_PASSWORD}."`
	PasswordFile string `yaml:"password_file" doc:"A file with the password."`
	Region       string `yaml:"region" doc:"The region that all nodes of the cluster are in. It is compared with what the nodes say."`
	Regions      List   `yaml:"regions" doc:"The regions of the tenants' databases on a multi-region cluster, the primary one first: [eu-central-1, eu-west-1]. All tables become REGIONAL BY ROW."`
	Domicile     string `yaml:"domicile" enum:"checked,unchecked" doc:"As above, for this cluster."`
	TLS          *TLS   `yaml:"tls" doc:"How the connection is protected."`
}

// TLS says how a connection is protected.
type TLS struct {
	Mode     string `yaml:"mode" enum:"disable,prefer,require,verify-ca,verify-full" doc:"As sslmode in addresses."`
	RootCert string `yaml:"root_cert" doc:"The PEM file with the roots that the server's certificate must lead to."`
	Cert     string `yaml:"cert" doc:"The client's certificate, a PEM file."`
	Key      string `yaml:"key" doc:"The client's key, a PEM file."`
}

// Tenant is one customer.
type Tenant struct {
	Name        string            `yaml:"name" required:"true" doc:"What --tenant, the status and the report call it: letters, digits, _ and -."`
	ID          List              `yaml:"id" doc:"The value, or values, of the tenant column in its rows."`
	Country     string            `yaml:"country" doc:"Its country, as in countries."`
	Source      string            `yaml:"source" doc:"The source that its rows are in; may be left out where there is only one."`
	OwnDatabase string            `yaml:"own_database" doc:"The source database that holds this tenant and nobody else; all of its rows are moved."`
	Target      string            `yaml:"target" doc:"The cluster that it moves to; may be left out where there is only one."`
	Database    string            `yaml:"database" doc:"The database on the cluster. It must be this tenant's alone."`
	CRDBRegion  string            `yaml:"crdb_region" doc:"The region of its rows, one of the target's regions; without it the first of them."`
	Domicile    string            `yaml:"domicile" enum:"checked,unchecked" doc:"As above, for this tenant."`
	Policies    map[string]string `yaml:"policies" doc:"Policies that differ for this tenant."`
	Tables      []*Table          `yaml:"tables" doc:"Rules that differ for this tenant; they come before those of the plan."`
}

// Table is a rule that says how tables belong to a tenant. Just one of Column,
// Via, Shared, LeaveOut and Decide is set.
type Table struct {
	Match    List   `yaml:"match" required:"true" doc:"Names of tables, * standing for anything. A whole name comes before a pattern."`
	Column   string `yaml:"column" doc:"The column that holds the tenant's id."`
	Via      string `yaml:"via" doc:"The foreign key that leads to the table by which the rows belong: account_id -> accounts.id. The way goes on as that table belongs."`
	Shared   bool   `yaml:"shared" doc:"Reference data: every tenant gets all of it."`
	LeaveOut string `yaml:"leave_out" doc:"The table is not moved, for this reason."`
	Decide   string `yaml:"decide" doc:"Written by migrate plan init where it could not tell. Nothing moves until a person has put one of the others in its place."`
}

// Rest is rows that stay behind on purpose.
type Rest struct {
	Tables List   `yaml:"tables" required:"true" doc:"Names of divided tables, * standing for anything."`
	ID     List   `yaml:"id" doc:"Values of the tenant column that are no tenant's. Left out, the rows that lead to no value at all are meant."`
	Reason string `yaml:"reason" required:"true" doc:"Why they stay behind. The report shows it."`
}

// Acceptance says that a loss is known and wanted.
type Acceptance struct {
	ID     string `yaml:"id" required:"true" doc:"The finding, rule:object, * standing for anything: trigger-dropped:trigger trg_*."`
	Reason string `yaml:"reason" required:"true" doc:"Why it does not matter, or who takes care of it. The report shows it."`
	Who    string `yaml:"who" doc:"Who decided."`
}

// Limits say how much may run at the same time. 0 takes the default.
type Limits struct {
	TenantsAtOnce     int `yaml:"tenants_at_once" doc:"Tenants that move at the same time (default 4)."`
	SourceConnections int `yaml:"source_connections" doc:"Connections to each source at most, of all tenants together (default 16)."`
	Workers           int `yaml:"workers" doc:"Connections to the source that read for one tenant at the same time (default 4)."`
	RowsPerSecond     int `yaml:"rows_per_second" doc:"Rows read from the sources in a second at most, for all tenants together (default no limit)."`
}

// The defaults of Limits.
const (
	// DefaultTenantsAtOnce keeps most of a night's tenants in sight of one person.
	DefaultTenantsAtOnce = 4
	// DefaultSourceConnections leaves a server with MySQL's default of 151
	// connections to its application.
	DefaultSourceConnections = 16
)

// Unchecked is the value of domicile that leaves the comparison out.
const Unchecked = "unchecked"

// List is one text or several; a file may write either.
type List []string

// Name is the file's name, as Read got it.
func (p *Plan) Name() string { return p.name }

// Tenant returns the tenant of that name, or nil.
func (p *Plan) Tenant(name string) *Tenant {
	for _, t := range p.Tenants {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// DomicileOf says whether a tenant's domicile is left unchecked, as the nearest
// word says: its own, its target's, the plan's.
func (p *Plan) DomicileOf(t *Tenant) string {
	if t.Domicile != "" {
		return t.Domicile
	}
	if target := p.Targets[t.Target]; target != nil && target.Domicile != "" {
		return target.Domicile
	}
	return p.Domicile
}

// PolicyNames returns the policies of a tenant: those of the plan, and over
// them its own.
func (p *Plan) PolicyNames(t *Tenant) map[string]string {
	out := map[string]string{}
	maps.Copy(out, p.Policies)
	maps.Copy(out, t.Policies)
	return out
}
