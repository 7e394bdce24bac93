package convert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"leap/internal/schema"
)

// quote returns the name as a quoted identifier. Every identifier goes through
// it: quoted names keep their case and may be reserved words.
func quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// quoteAll returns the quoted names, joined by commas.
func quoteAll(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote(n)
	}
	return strings.Join(out, ", ")
}

// literal returns the text as a string literal. Both targets read backslashes
// in '...' as they are (standard_conforming_strings).
func literal(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// storable says whether a target can hold the text inside a statement.
func storable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// namespace hands out names of which no two are equal and none is too long.
type namespace struct {
	max   int // bytes, 0 for no limit
	taken map[string]bool
}

func newNamespace(maxBytes int) *namespace {
	return &namespace{max: maxBytes, taken: map[string]bool{}}
}

// claim returns want, or the nearest name that is short enough and not taken.
// The result depends on the wanted names and their order only.
func (n *namespace) claim(want string) string {
	name := shorten(want, n.max)
	for i := 2; n.taken[name]; i++ {
		name = shorten(fmt.Sprintf("%s_%d", want, i), n.max)
	}
	n.taken[name] = true
	return name
}

// hashSuffixLength is that of "_" and 8 hexadecimal digits: 32 bits, enough to
// keep apart the few names of one schema that begin alike.
const hashSuffixLength = 9

// shorten returns the name, or its beginning and a hash of the whole when it is
// longer than maxBytes. The server would cut it silently, and two names that
// begin alike would become one.
func shorten(name string, maxBytes int) string {
	if maxBytes <= 0 || len(name) <= maxBytes {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	end := max(maxBytes-hashSuffixLength, 0)
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "_" + hex.EncodeToString(sum[:4])
}

// systemColumns are names that the targets keep for themselves in every table.
var systemColumns = map[string]bool{
	"tableoid": true, "xmin": true, "cmin": true, "xmax": true, "cmax": true, "ctid": true,
	"crdb_internal_mvcc_timestamp": true, "crdb_internal_origin_id": true,
	"crdb_internal_origin_timestamp": true,
}

// nameTables gives every table its target name. Tables come first of all
// because their names are what applications write down.
func (b *builder) nameTables() {
	folded := map[string]string{}
	for _, src := range b.db.Tables {
		want := cmp.Or(src.Rename, src.Name)
		name := b.names.claim(want)
		t := &table{
			src: src, name: name, ref: b.qualify(name),
			plan:        &TablePlan{},
			constraints: newNamespace(b.d.MaxIdentifierBytes),
			columns:     map[string]int{},
			indexed:     indexedColumns(src),
			formulas:    map[string]value{},
			decided:     map[string]bool{},
		}
		t.plan.Mapping = schema.Mapping{Source: src, SourceName: src.Name, Name: name}
		b.tables = append(b.tables, t)
		b.plan.Tables = append(b.plan.Tables, t.plan)
		b.renamed("table", src.Name, want, name)
		b.renamedByPlan("table", src.Name, src.Rename, name)
		b.noteCase(name, src.Name)
		fold := strings.ToLower(name)
		if other, ok := folded[fold]; ok {
			b.info("names-fold", src.Name,
				fmt.Sprintf("the tables %q and %q differ only in case; both are created, and SQL must quote their names to reach the right one", other, name),
				"rename one of them before the move, or quote the names in the application")
		}
		folded[fold] = name
	}
}

// renamed reports a name that could not be kept.
func (b *builder) renamed(what, object, from, to string) {
	if from == to {
		return
	}
	rule, why := "name-changed", "is taken or reserved on the target"
	if b.d.MaxIdentifierBytes > 0 && len(from) > b.d.MaxIdentifierBytes {
		rule, why = "name-shortened", fmt.Sprintf("is longer than %d bytes", b.d.MaxIdentifierBytes)
	}
	b.warn(rule, object,
		fmt.Sprintf("the name of the %s %q %s; it becomes %q", what, from, why, to),
		"use the new name in the application, or rename it on the source before the move")
}

// renamedByPlan tells of a name that the plan gave, and refuses to give another.
func (b *builder) renamedByPlan(what, object, want, name string) {
	switch want {
	case "":
	case name:
		b.info("renamed", object, fmt.Sprintf("the plan calls the %s %q on the target", what, name), "use the new name in the application")
	default:
		b.block("rename-taken", object,
			fmt.Sprintf("the %s cannot be called %q on the target: the name is taken, reserved or too long", what, want), "choose another name in the plan")
	}
}

// noteCase remembers names that unquoted SQL will not reach: the targets fold
// those to lower case, MySQL does not.
func (b *builder) noteCase(name, object string) {
	if name == strings.ToLower(name) {
		return
	}
	b.gather(schema.Finding{
		Rule: "names-upper-case", Severity: schema.Info, Object: "database " + b.db.Name,
		Problem: "names keep their upper-case letters, so SQL has to quote them: %s",
		Advice:  `write "Name" in double quotes, or rename to lower case before the move`,
	}, object)
}

// indexedColumns are the columns, in lower case, that any key of the table uses.
func indexedColumns(t *schema.Table) map[string]bool {
	out := map[string]bool{}
	add := func(ix *schema.Index) {
		for _, p := range ix.Parts {
			out[strings.ToLower(p.Column)] = true
		}
	}
	if t.PrimaryKey != nil {
		add(t.PrimaryKey)
	}
	for i := range t.Indexes {
		if moves(t.Indexes[i].Type) {
			add(&t.Indexes[i])
		}
	}
	for _, fk := range t.ForeignKeys {
		for _, c := range fk.Columns {
			out[strings.ToLower(c)] = true
		}
	}
	return out
}
