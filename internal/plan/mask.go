package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"leap/internal/schema"
)

// Masking is the columns whose values are replaced.
type Masking struct {
	Key     string      `yaml:"key" doc:"A reference to the environment, such as ${MASK_KEY}, to a secret of 16 bytes or more. The same key gives the same masks."`
	KeyFile string      `yaml:"key_file" doc:"A file with the secret."`
	Columns []*MaskRule `yaml:"columns" required:"true" doc:"Which columns are masked, and how."`
}

// MaskRule masks some columns.
type MaskRule struct {
	Match List   `yaml:"match" required:"true" doc:"table.column, * standing for anything: customers.email, *.iban."`
	As    string `yaml:"as" required:"true" enum:"email,hash,iban,name" doc:"hash: 32 hex digits; email: an address at example.com; iban: another IBAN of the country; name: other letters and digits in their places."`
}

// shortestMaskKey is what an attacker who knows a value and its mask must not
// be able to try: 128 bits.
const shortestMaskKey = 16

func (p *Plan) checkMask() Problems {
	if p.Mask == nil {
		return nil
	}
	var out Problems
	const remedy = "put it into the environment and write key: ${NAME}, or into a file and write key_file:"
	switch m := p.Mask; {
	case m.Key == "" && m.KeyFile == "":
		out = append(out, p.problem("mask", remedy, "the masks have no key"))
	case m.Key != "" && m.KeyFile != "":
		out = append(out, p.problem("mask.key_file", "keep one of them", "mask has a key and a key_file"))
	case m.Key != "" && reference.FindString(m.Key) != m.Key:
		out = append(out, p.problem("mask.key", remedy, "the plan holds the key, and everybody who sees it could undo the masks"))
	}
	for i, rule := range p.Mask.Columns {
		at := fmt.Sprintf("mask.columns[%d]", i)
		if as := schema.MaskKind(rule.As); !slices.Contains(schema.MaskKinds, as) {
			out = append(out, p.problem(at+".as", didYouMean(rule.As, maskNames()), "there is no mask %q", rule.As))
		}
		for j, pattern := range rule.Match {
			if table, column, ok := strings.Cut(pattern, "."); !ok || table == "" || column == "" {
				path := p.item(at+".match", j)
				out = append(out, p.problem(path, "write table.column, such as customers.email or *.email", "%q does not name a column", pattern))
			}
		}
	}
	return out
}

func maskNames() []string {
	var out []string
	for _, k := range schema.MaskKinds {
		out = append(out, string(k))
	}
	return out
}

// MaskKey resolves the secret of the masks; empty where nothing is masked.
func (p *Plan) MaskKey(out Outside) (schema.MaskKey, Problems) {
	if p.Mask == nil {
		return schema.MaskKey{}, nil
	}
	r := &resolver{plan: p, out: out, told: map[string]bool{}}
	var secret string
	at := "mask.key"
	if p.Mask.KeyFile != "" {
		at = "mask.key_file"
		text, err := out.File(p.Mask.KeyFile)
		if err != nil {
			r.complain(at, "check the name, and that this user may read it", "the file with the key cannot be read: %s", cause(err))
			return schema.MaskKey{}, r.problems
		}
		secret = strings.TrimRight(string(text), "\r\n")
	} else {
		var ok bool
		if secret, ok = r.expand(at, p.Mask.Key); !ok {
			return schema.MaskKey{}, r.problems
		}
	}
	if len(secret) < shortestMaskKey {
		r.complain(at, "make one: openssl rand -hex 32", "the key has %d bytes; with less than %d it could be guessed", len(secret), shortestMaskKey)
	}
	return schema.NewMaskKey(secret), r.problems
}

// mask takes the masks, and refuses those that would break keys, or do not fit.
func (r *changer) mask() {
	if r.plan.Mask == nil {
		return
	}
	places := map[string]string{} // of the pattern, by table.column
	for i, rule := range r.plan.Mask.Columns {
		r.columns(fmt.Sprintf("mask.columns[%d].match", i), rule.Match, func(at string, t *schema.Table, c *schema.Column) {
			r.maskColumn(at, t, c, schema.MaskKind(rule.As))
			places[t.Name+"."+c.Name] = at
		})
	}
	for _, t := range r.tables {
		if change := r.out[t.Name]; change != nil && len(change.Masks) > 0 {
			r.checkMasked(t, change, places)
		}
	}
	r.checkPairs(places)
}

func (r *changer) maskColumn(at string, t *schema.Table, c *schema.Column, as schema.MaskKind) {
	name, change := t.Name+"."+c.Name, r.out.of(t.Name)
	_, out := change.Excluded[c.Name]
	switch before := change.Masks[c.Name]; {
	case out:
		r.complain(at, "take it out here, or there", "%s is excluded, so there is nothing to mask", name)
	case before != "" && before != as:
		r.complain(at, "keep one of the two", "%s is masked as %s and as %s", name, before, as)
	case r.fixed[name] == tellsTenants:
		r.complain(at, "leave it as it is: without it nothing can be proven of the tenant's rows", "%s %s, so it cannot be masked", name, tellsTenants)
	case c.Generated != nil:
		r.complain(at, "exclude it, and mask what it is computed from", "%s is computed from other columns, so it cannot be masked", name)
	case !masksText(c.Type.Base):
		r.complain(at, "exclude it instead", "%s is %s, and masks replace texts", name, c.Type.Raw)
	case c.Type.Length < as.Length():
		r.complain(at, "mask it as name, which keeps the length, or exclude it", "%s is %s, and what %s makes has %d characters", name, c.Type.Raw, as, as.Length())
	}
	change.Masks[c.Name] = as
}

func masksText(base string) bool {
	switch base {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext":
		return true
	}
	return false
}

// checkMasked looks at what else of a table depends on masked columns.
func (r *changer) checkMasked(t *schema.Table, change *TableChange, places map[string]string) {
	for _, i := range t.Indexes {
		for _, part := range i.Parts {
			if i.Unique && part.Prefix > 0 && change.Masks[part.Column] != "" {
				r.complain(places[t.Name+"."+part.Column], "exclude the column, or move the table as it is",
					"the first %d characters of %s.%s are unique (%s), and those of masked values need not be", part.Prefix, t.Name, part.Column, i.Name)
			}
		}
	}
	for _, c := range t.Columns {
		if _, out := change.Excluded[c.Name]; c.Generated == nil || out {
			continue
		}
		for _, masked := range slices.Sorted(maps.Keys(change.Masks)) {
			if mentions(c.Generated.Expression, masked) {
				r.complain(places[t.Name+"."+masked], fmt.Sprintf("exclude %s.%s", t.Name, c.Name),
					"%s.%s is computed from %s, which is masked", t.Name, c.Name, masked)
			}
		}
	}
}

// mentions reports whether an expression has a word, in any case.
func mentions(expression, word string) bool {
	expression, word = strings.ToLower(expression), strings.ToLower(word)
	for i := range len(expression) {
		if !strings.HasPrefix(expression[i:], word) {
			continue
		}
		end := i + len(word)
		before := i > 0 && isWord(expression[i-1])
		if !before && wordEnd(expression, end) == end {
			return true
		}
	}
	return false
}

// owned is a foreign key with the table that has it.
type owned struct {
	table string
	hop   schema.Hop
}

// checkPairs refuses to mask one end of a foreign key and not the other: rows
// that belong together would not find each other any more.
func (r *changer) checkPairs(places map[string]string) {
	keys := slices.Clone(r.ways)
	for _, t := range r.tables {
		for _, k := range t.ForeignKeys {
			keys = append(keys, owned{t.Name, schema.Hop{Columns: k.Columns, Table: k.RefTable, Parent: k.RefColumns}})
		}
	}
	for table, hops := range r.plan.References(r.db) {
		for _, h := range hops {
			keys = append(keys, owned{table, h})
		}
	}
	told := map[string]bool{}
	for _, k := range keys {
		for i := range min(len(k.hop.Columns), len(k.hop.Parent)) {
			r.checkPair([2]string{k.table, k.hop.Columns[i]}, [2]string{k.hop.Table, k.hop.Parent[i]}, places, told)
		}
	}
}

// checkPair looks at one column of a foreign key and what it refers to, each as
// table and column.
func (r *changer) checkPair(child, parent [2]string, places map[string]string, told map[string]bool) {
	from, to := child[0]+"."+child[1], parent[0]+"."+parent[1]
	moved := func(name string) bool {
		return slices.ContainsFunc(r.tables, func(t *schema.Table) bool { return t.Name == name })
	}
	near, far := r.maskOf(child[0], child[1]), r.maskOf(parent[0], parent[1])
	if told[from+to] || !moved(child[0]) || !moved(parent[0]) || near == far || near == excluded || far == excluded {
		return
	}
	told[from+to] = true
	at := places[from]
	if at == "" {
		at = places[to]
	}
	r.complain(at, "mask both the same way, or neither", "%s refers to %s, and they are not masked alike: rows would lose each other", from, to)
}

// excluded is no mask: nothing refers by a column that is not moved.
const excluded = "excluded"

func (r *changer) maskOf(table, column string) string {
	c := r.out[table]
	if c == nil {
		return ""
	}
	if _, out := c.Excluded[column]; out {
		return excluded
	}
	return string(c.Masks[column])
}
