package plan

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	"leap/internal/schema"
)

// Guess is what the shape of a database suggests about its tenants. It is for a
// draft that a person goes through, never for a move.
type Guess struct {
	// TenantColumn is the column that most likely tells the tenants apart; empty
	// when no name suggests it. Others are further candidates.
	TenantColumn string
	Others       []string
	// TenantTable and its key list the tenants; empty when none is seen.
	TenantTable, TenantKey string
	// Label and Country are columns of the tenant table; empty when there is none.
	Label, Country string
	// Decided are the tables whose way is clear, the others with what a person
	// has to decide.
	Decided   []Belonging
	Undecided []Undecided
}

// Undecided is a table of which a person has to say how it belongs.
type Undecided struct {
	Table string
	// Ways are the candidates, as a rule's via: writes them.
	Ways []string
	// ByName says that the ways are guessed from names and not declared.
	ByName bool
	// Rows is what the source's statistics count.
	Rows int64
}

// tenantWords are what the column of a tenant is called, the likeliest first.
var tenantWords = []string{
	"tenant", "mandant", "client", "customer", "org", "organisation", "organization", "company", "merchant", "brand", "bank", "institution",
}

var tenantWord = regexp.MustCompile(`^(.+?)_?(id|no|nr|code|key|uuid)?$`)

// GuessTenants looks at names and foreign keys. With a column given, that is
// the tenant column.
func GuessTenants(db *schema.Database, column string) Guess {
	g := Guess{TenantColumn: column}
	if column == "" {
		g.guessColumn(db)
	}
	if g.TenantColumn == "" {
		return g
	}
	g.guessTable(db)
	p := &Plan{name: "draft", TenantColumn: g.TenantColumn, marks: map[string]mark{}}
	if t := db.Table(g.TenantTable); t != nil && t.Column(g.TenantColumn) == nil {
		p.Tables = []*Table{{Match: List{g.TenantTable}, Column: g.TenantKey}}
	}
	s := &resolution{plan: p, tenant: &Tenant{}, db: db, found: map[string]*node{}, undecided: map[string][]schema.Hop{}}
	s.useRules()
	s.useColumns()
	s.useLinks()
	s.useKeys()
	for _, t := range db.Tables {
		switch n, ways := s.found[t.Name], s.undecided[t.Name]; {
		case ways != nil:
			g.Undecided = append(g.Undecided, Undecided{Table: t.Name, Ways: texts(ways), Rows: t.EstimatedRows})
		case n != nil:
			g.Decided = append(g.Decided, n.Belonging)
		default:
			g.Undecided = append(g.Undecided, Undecided{Table: t.Name, Ways: texts(byName(t, db, s.found)), ByName: true, Rows: t.EstimatedRows})
		}
	}
	return g
}

// guessColumn takes the likeliest name; of equal ones, that of the most tables.
func (g *Guess) guessColumn(db *schema.Database) {
	count := map[string]int{}
	for _, t := range db.Tables {
		for _, c := range t.Columns {
			if m := tenantWord.FindStringSubmatch(strings.ToLower(c.Name)); slices.Contains(tenantWords, m[1]) && m[2] != "" {
				count[c.Name]++
			}
		}
	}
	rank := func(column string) int {
		return slices.Index(tenantWords, tenantWord.FindStringSubmatch(strings.ToLower(column))[1])
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	if len(names) > 0 {
		g.TenantColumn, g.Others = names[0], names[1:]
	}
}

// guessTable takes the table that most foreign keys of the tenant column lead
// to, or else the one that is called like the column.
func (g *Guess) guessTable(db *schema.Database) {
	count := map[string]int{}
	key := map[string]string{}
	for _, t := range db.Tables {
		for _, k := range t.ForeignKeys {
			if len(k.Columns) == 1 && k.Columns[0] == g.TenantColumn && k.RefSchema == "" && db.Table(k.RefTable) != nil {
				count[k.RefTable]++
				key[k.RefTable] = k.RefColumns[0]
			}
		}
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	if len(names) == 0 {
		if t := namedLike(g.TenantColumn, db); t != nil && t.PrimaryKey != nil && len(t.PrimaryKey.Parts) == 1 {
			names, key[t.Name] = []string{t.Name}, t.PrimaryKey.Parts[0].Column
		}
	}
	if len(names) == 0 {
		return
	}
	g.TenantTable, g.TenantKey = names[0], key[names[0]]
	t := db.Table(g.TenantTable)
	for _, name := range []string{"code", "slug", "short_name", "name", "title"} {
		if t.Column(name) != nil {
			g.Label = name
			break
		}
	}
	for _, name := range []string{"country", "country_code"} {
		if t.Column(name) != nil {
			g.Country = name
			break
		}
	}
}

// namedLike returns the table that a column such as account_id is named after.
func namedLike(column string, db *schema.Database) *schema.Table {
	word := tenantWord.FindStringSubmatch(strings.ToLower(column))[1]
	for _, t := range db.Tables {
		name := strings.ToLower(t.Name)
		if name == word || name == word+"s" || name == word+"es" || name == strings.TrimSuffix(word, "y")+"ies" {
			return t
		}
	}
	return nil
}

// byName guesses foreign keys that nobody declared: account_id may lead to accounts.id.
func byName(t *schema.Table, db *schema.Database, found map[string]*node) []schema.Hop {
	var out []schema.Hop
	for _, c := range t.Columns {
		m := tenantWord.FindStringSubmatch(strings.ToLower(c.Name))
		if m[2] == "" {
			continue
		}
		parent := namedLike(c.Name, db)
		if parent == nil || parent == t || parent.PrimaryKey == nil || len(parent.PrimaryKey.Parts) != 1 {
			continue
		}
		key := parent.Column(parent.PrimaryKey.Parts[0].Column)
		if n := found[parent.Name]; n != nil && n.Sliced() && key != nil && key.Type.Base == c.Type.Base {
			out = append(out, schema.Hop{Columns: []string{c.Name}, Table: parent.Name, Parent: []string{key.Name}})
		}
	}
	return out
}

func texts(hops []schema.Hop) []string {
	out := make([]string, len(hops))
	for i, h := range hops {
		out[i] = hopText(h)
	}
	return out
}
