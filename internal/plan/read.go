package plan

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Read reads a plan and checks all that can be checked without a server. The
// name is for messages. An error is of class Usage and lists every problem that
// was found (Problems).
func Read(name string, text []byte) (*Plan, error) {
	p := &Plan{name: name, marks: map[string]mark{}}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey()) // reader tells of them
	if err != nil {
		return nil, Problems{p.syntax(err)}.Err()
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, Problems{p.problem("", "let migrate plan init write one, and go on from there", "the file holds no plan")}.Err()
	}
	r := &reader{plan: p, anchors: map[string]ast.Node{}, merging: map[ast.Node]bool{}}
	r.collect(file.Docs[0].Body)
	r.structure("", file.Docs[0].Body, reflect.ValueOf(p).Elem())
	if len(r.problems) > 0 {
		return nil, r.problems.Err()
	}
	p.fillIn()
	return p, p.check().Err()
}

// syntax tells what the YAML parser could not read.
func (p *Plan) syntax(err error) Problem {
	out := p.problem("", "YAML is indented with spaces; texts with : or # or * at their beginning need quotes", "not YAML: %s", err)
	if e, ok := errors.AsType[yaml.Error](err); ok {
		message, _, _ := strings.Cut(e.GetMessage(), `: "`) // quotes the file, perhaps a password
		out.Text = "not YAML: " + message
		if t := e.GetToken(); t != nil {
			out.Line, out.Column = t.Position.Line, t.Position.Column
		}
	}
	return out
}

// reader carries a document into the structures of this package. It does not
// stop at the first thing that is wrong: a person wants to mend all of them.
type reader struct {
	plan     *Plan
	anchors  map[string]ast.Node
	merging  map[ast.Node]bool // mappings that are being merged into another
	problems Problems
}

// collect finds the anchors: thirty tenants have much in common. One name for two
// things, and a name for nothing, are problems: what an alias means must not
// depend on where it stands.
func (r *reader) collect(n ast.Node) {
	ast.Walk(visitor(func(n ast.Node) {
		a, ok := n.(*ast.AnchorNode)
		if !ok {
			return
		}
		name := a.Name.String()
		if r.anchors[name] != nil {
			r.note("&"+name, n)
			r.complain("&"+name, "give one of them another name", "the anchor &%s is there twice", name)
		}
		r.anchors[name] = a.Value
	}), n)
}

type visitor func(ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor { v(n); return v }

// plain resolves anchors, aliases and tags. An alias may name an alias, but not itself.
func (r *reader) plain(n ast.Node) ast.Node {
	for range 100 {
		switch node := n.(type) {
		case *ast.AnchorNode:
			n = node.Value
		case *ast.AliasNode:
			n = r.anchors[node.Value.String()]
		case *ast.TagNode:
			n = node.Value
		default:
			return n
		}
	}
	return nil
}

func (r *reader) note(path string, n ast.Node) {
	if n == nil || n.GetToken() == nil {
		return
	}
	position := n.GetToken().Position
	if _, ok := r.plan.marks[path]; !ok {
		r.plan.marks[path] = mark{position.Line, position.Column}
	}
}

// complain notes a problem once, however often what has it is looked at.
func (r *reader) complain(path, remedy, format string, args ...any) {
	if p := r.plan.problem(path, remedy, format, args...); !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

// entry is a key of a mapping with its value.
type entry struct {
	key   string
	name  ast.Node
	value ast.Node
}

// entries lists a mapping's entries, those of merged mappings (<<) included
// where the mapping itself has no such key.
func (r *reader) entries(path string, n ast.Node) (out []entry, ok bool) {
	var pairs []*ast.MappingValueNode
	switch node := r.plain(n).(type) {
	case *ast.MappingNode:
		pairs = node.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{node}
	default:
		return nil, false
	}
	seen := map[string]bool{}
	var merged []entry
	for _, pair := range pairs {
		if pair.Key.IsMergeKey() {
			merged = append(merged, r.merged(path, pair)...)
			continue
		}
		key := pair.Key.GetToken().Value
		if seen[key] {
			r.note(path+"."+key+" again", pair.Key)
			r.complain(path+"."+key+" again", "keep one of the two", "%q is there twice", key)
			continue
		}
		seen[key] = true
		out = append(out, entry{key, pair.Key, pair.Value})
	}
	for _, e := range merged {
		if !seen[e.key] {
			seen[e.key] = true
			out = append(out, e)
		}
	}
	return out, true
}

// merged lists the entries of what a mapping merges: one mapping, or a list of
// them of which the first comes first.
func (r *reader) merged(path string, pair *ast.MappingValueNode) (out []entry) {
	from := []ast.Node{pair.Value}
	if list, ok := r.plain(pair.Value).(*ast.SequenceNode); ok {
		from = list.Values
	}
	at := path + ".<<"
	for _, n := range from {
		if n = r.plain(n); r.merging[n] {
			r.note(at, pair.Key)
			r.complain(at, "merge another group of keys", "%s merges itself", orPlan(path))
			continue
		}
		r.merging[n] = true
		entries, ok := r.entries(path, n)
		delete(r.merging, n)
		if !ok {
			r.note(at, pair.Key)
			r.complain(at, "write <<: *name, with &name before the group of keys", "what %s merges is not a group of keys", orPlan(path))
		}
		out = append(out, entries...)
	}
	return out
}

// below joins a path and a key.
func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// structure reads a mapping into a struct.
func (r *reader) structure(path string, n ast.Node, into reflect.Value) {
	entries, ok := r.entries(path, n)
	if !ok {
		r.complain(path, "write key: value lines below it", "%s is not a group of keys", orPlan(path))
		return
	}
	fields := map[string]int{}
	var known []string
	for i := range into.NumField() {
		if key := into.Type().Field(i).Tag.Get("yaml"); key != "" {
			fields[key], known = i, append(known, key)
		}
	}
	for _, e := range entries {
		at := below(path, e.key)
		r.note(at, e.name)
		i, ok := fields[e.key]
		switch {
		case ok:
			r.value(at, e.value, into.Field(i))
			delete(fields, e.key)
		case path == "" && strings.HasPrefix(e.key, "x-"): // a place for anchors
		default:
			r.complain(at, didYouMean(e.key, known), "there is no key %q in %s", keyName(e.key), orPlan(path))
		}
	}
	for _, key := range known {
		if i, ok := fields[key]; ok && into.Type().Field(i).Tag.Get("required") != "" {
			r.complain(path, fmt.Sprintf("add %s: ...  (%s)", key, into.Type().Field(i).Tag.Get("doc")), "%s has no %s", orPlan(path), key)
		}
	}
}

// keyName is as much of a key as can be one: behind it may be a password.
func keyName(key string) string {
	end := strings.IndexFunc(key, func(c rune) bool {
		return !strings.ContainsRune("_-. ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
	if end < 0 {
		return key
	}
	return key[:end] + "..."
}

func orPlan(path string) string {
	if path == "" {
		return "the plan"
	}
	return path
}

// value reads a node into whatever the field is.
func (r *reader) value(path string, n ast.Node, into reflect.Value) {
	if list, ok := reflect.TypeAssert[*List](into.Addr()); ok {
		*list = r.list(path, n)
		return
	}
	switch {
	case into.Kind() == reflect.String:
		into.SetString(r.text(path, n))
	case into.Kind() == reflect.Int:
		r.integer(path, n, into)
	case into.Kind() == reflect.Bool:
		if b, ok := r.plain(n).(*ast.BoolNode); ok {
			into.SetBool(b.Value)
			return
		}
		r.complain(path, "write true or false", "%s is neither true nor false", path)
	case into.Kind() == reflect.Struct:
		r.structure(path, n, into)
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		r.structure(path, n, into.Elem())
	case into.Kind() == reflect.Map:
		r.mapping(path, n, into)
	case into.Kind() == reflect.Slice:
		r.sequence(path, n, into)
	default:
		panic("plan: no reading of " + into.Kind().String()) // a field of this package
	}
}

func (r *reader) mapping(path string, n ast.Node, into reflect.Value) {
	entries, ok := r.entries(path, n)
	if !ok {
		r.complain(path, "write name: lines below it", "%s is not a group of names", path)
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, e := range entries {
		at := below(path, e.key)
		r.note(at, e.name)
		v := reflect.New(into.Type().Elem()).Elem()
		r.value(at, e.value, v)
		into.SetMapIndex(reflect.ValueOf(e.key), v)
	}
}

func (r *reader) sequence(path string, n ast.Node, into reflect.Value) {
	s, ok := r.plain(n).(*ast.SequenceNode)
	if !ok {
		r.complain(path, "write a list, each item after a dash", "%s is not a list", path)
		return
	}
	for i, item := range s.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if entries, ok := r.entries(at, item); ok && len(entries) > 0 {
			r.note(at, entries[0].name)
		}
		r.note(at, item)
		v := reflect.New(into.Type().Elem()).Elem()
		r.value(at, item, v)
		into.Set(reflect.Append(into, v))
	}
}

// list reads a text, or a list of texts.
func (r *reader) list(path string, n ast.Node) List {
	s, ok := r.plain(n).(*ast.SequenceNode)
	if !ok {
		if text := r.text(path, n); text != "" {
			return List{text}
		}
		return nil
	}
	out := List{}
	for i, item := range s.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.note(at, item)
		if text := r.text(at, item); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// text reads a scalar as it is written: 007 stays 007, and null is the word.
func (r *reader) text(path string, n ast.Node) string {
	switch node := r.plain(n).(type) {
	case *ast.StringNode:
		if node.Value == "" {
			break
		}
		return node.Value
	case *ast.LiteralNode:
		return strings.TrimSpace(node.Value.Value)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return node.GetToken().Value
	case *ast.NullNode:
		// For nothing at all the parser makes a null of its own.
		if node.Token.Type == token.NullType && node.Token.Value == "null" {
			return "null"
		}
	default:
		r.complain(path, "write one text after the colon", "%s is not a text", path)
		return ""
	}
	r.complain(path, "write a text after the colon, or take the line out", "%s has no value", path)
	return ""
}

func (r *reader) integer(path string, n ast.Node, into reflect.Value) {
	if node, ok := r.plain(n).(*ast.IntegerNode); ok {
		if i, err := strconv.Atoi(node.GetToken().Value); err == nil {
			into.SetInt(int64(i))
			return
		}
	}
	r.complain(path, "write a number", "%s is not a whole number", path)
}
