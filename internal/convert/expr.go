package convert

import (
	"fmt"
	"slices"
	"strings"
)

// purpose is what an expression is translated for; it decides how much may change.
type purpose int

const (
	// forGenerated must give the very values that the source computed.
	forGenerated purpose = iota
	// forCheck may tell a rare row apart differently, when a finding says so.
	forCheck
	// forIndex is as strict as forGenerated and reads computed columns directly.
	forIndex
	// forDefault may not read columns.
	forDefault
)

// translator rewrites one MySQL expression for the target. It knows a short
// list of operators and functions whose meaning is the same on both sides, and
// returns an error for everything else: an expression that is left out with a
// finding is better than one that is almost right.
type translator struct {
	b       *builder
	t       *table
	purpose purpose
	// notes say what a reader should know about a translation that is used.
	notes []string
}

// translate parses and rewrites the expression.
func (tr *translator) translate(text string) (value, error) {
	e, err := parse(text)
	if err != nil {
		return value{}, err
	}
	return tr.value(e)
}

// condition parses and rewrites an expression that is true or false.
func (tr *translator) condition(text string) (string, error) {
	v, err := tr.translate(text)
	if err != nil {
		return "", err
	}
	v, err = truth(v)
	return v.sql, err
}

func (tr *translator) note(text string) {
	if !slices.Contains(tr.notes, text) {
		tr.notes = append(tr.notes, text)
	}
}

func (tr *translator) value(e expr) (value, error) {
	switch e := e.(type) {
	case columnExpr:
		return tr.column(e.name)
	case stringExpr:
		return textValue(e.text)
	case numberExpr:
		return numberValue(e.text)
	case nullExpr:
		return value{sql: "NULL", class: classNull, nullable: true}, nil
	case boolExpr:
		return value{sql: strings.ToUpper(fmt.Sprint(e.value)), class: classBool}, nil
	case unaryExpr:
		return tr.unary(e)
	case binaryExpr:
		return tr.binary(e)
	case isNullExpr:
		x, err := tr.value(e.x)
		return value{sql: "(" + x.sql + " IS " + not(e.negate) + "NULL)", class: classBool}, err
	case inExpr:
		return tr.in(e)
	case betweenExpr:
		return tr.between(e)
	case likeExpr:
		return tr.like(e)
	case callExpr:
		return tr.call(e)
	case caseExpr:
		return tr.caseOf(e)
	case bitsExpr, hexExpr:
		return value{}, fmt.Errorf("bit and hexadecimal literals are not translated")
	}
	return value{}, fmt.Errorf("%T is not translated", e)
}

// values translates a list.
func (tr *translator) values(list []expr) ([]value, error) {
	out := make([]value, len(list))
	for i, e := range list {
		v, err := tr.value(e)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (tr *translator) column(name string) (value, error) {
	if tr.purpose == forDefault {
		return value{}, fmt.Errorf("a default cannot read the column %s on the target", name)
	}
	m := tr.t.column(name)
	if m == nil {
		return value{}, fmt.Errorf("the column %s is not known", name)
	}
	if tr.purpose != forGenerated {
		return columnValue(m), nil
	}
	if m.Policy.Changes() {
		return value{}, fmt.Errorf("a policy may change the values of %s", name)
	}
	tr.b.decideGenerated(tr.t, m)
	if v, ok := tr.t.formulas[m.Name]; ok {
		return v, nil
	}
	return columnValue(m), nil
}

func (tr *translator) unary(e unaryExpr) (value, error) {
	x, err := tr.value(e.x)
	if err != nil {
		return value{}, err
	}
	if e.op == "NOT" {
		x, err = truth(x)
		return value{sql: "(NOT " + x.sql + ")", class: classBool, nullable: x.nullable}, err
	}
	if !x.numeric() || x.unsigned {
		return value{}, fmt.Errorf("minus before %s is not translated", x.class)
	}
	x.sql = "(-" + wide(x) + ")"
	x.literal, x.column, x.padded = false, nil, false
	return x, nil
}

func (tr *translator) binary(e binaryExpr) (value, error) {
	l, err := tr.value(e.l)
	if err != nil {
		return value{}, err
	}
	r, err := tr.value(e.r)
	if err != nil {
		return value{}, err
	}
	switch e.op {
	case "AND", "&&", "OR", "XOR":
		return logic(e.op, l, r)
	case "+", "-", "*":
		return arithmetic(e.op, l, r)
	case "%", "MOD":
		return modulo(l, r)
	case "/", "DIV":
		// The sources round quotients to four more places, the targets to sixteen and more.
		return value{}, fmt.Errorf("a division has other decimal places on the target")
	}
	return tr.compare(e.op, l, r)
}

func logic(op string, l, r value) (value, error) {
	l, err := truth(l)
	if err != nil {
		return value{}, err
	}
	r, err = truth(r)
	op = strings.NewReplacer("&&", "AND", "XOR", "<>").Replace(op)
	return value{
		sql: "(" + l.sql + " " + op + " " + r.sql + ")", class: classBool, nullable: anyNullable(l, r),
	}, err
}

// truth makes a boolean of a value where MySQL asks for one: numbers other than 0 are true.
func truth(v value) (value, error) {
	switch v.class {
	case classBool, classNull:
		return v, nil
	case classInt, classDecimal:
		return value{sql: "(" + v.sql + " <> 0)", class: classBool, nullable: v.nullable}, nil
	case classFloat, classText, classBytes, classDate, classDateTime, classStamp, classTime,
		classEnum, classUUID, classINet, classOther:
	}
	return value{}, fmt.Errorf("%s as a condition is not translated", v.class)
}

// number makes an integer of a boolean, as MySQL does; numbers stay.
func number(v value) (value, error) {
	if v.class == classBool {
		return value{sql: "(" + v.sql + "::INT4)", class: classInt, nullable: v.nullable}, nil
	}
	if !v.numeric() {
		return value{}, fmt.Errorf("%s as a number is not translated", v.class)
	}
	return v, nil
}

// wide returns the SQL of a number in the width in which MySQL computes: the
// stand-in would compute INT4 + INT4 in 32 bits and overflow.
func wide(v value) string {
	switch {
	case v.literal:
		return v.sql
	case v.class == classInt:
		return v.sql + "::INT8"
	case v.class == classFloat:
		return v.sql + "::FLOAT8"
	}
	return v.sql
}

// maxScale is the largest scale that MySQL computes exactly.
const maxScale = 30

func arithmetic(op string, l, r value) (value, error) {
	l, err := number(l)
	if err != nil {
		return value{}, err
	}
	if r, err = number(r); err != nil {
		return value{}, err
	}
	out := value{class: classInt, nullable: anyNullable(l, r), unsigned: l.unsigned || r.unsigned}
	left, right := wide(l), wide(r)
	switch {
	case l.class == classFloat || r.class == classFloat:
		out.class = classFloat
		left, right = l.sql+"::FLOAT8", r.sql+"::FLOAT8"
	case l.class == classDecimal || r.class == classDecimal:
		out.class = classDecimal
	case op == "*" && out.unsigned:
		// A product of unsigned integers may need the 64th bit.
		out.class = classDecimal
		left, right = l.sql+"::DECIMAL", r.sql+"::DECIMAL"
	}
	if out.class == classDecimal {
		out.scale = max(l.scale, r.scale)
		if op == "*" {
			out.scale = l.scale + r.scale
		}
	}
	if out.scale > maxScale {
		return value{}, fmt.Errorf("a product of %d decimal places is rounded on the source", out.scale)
	}
	out.sql = "(" + left + " " + op + " " + right + ")"
	return out, nil
}

func modulo(l, r value) (value, error) {
	if l.class != classInt || r.class != classInt || !r.literal || strings.Trim(r.text, "-0") == "" {
		return value{}, fmt.Errorf("a remainder is translated for integers and a constant other than 0 only")
	}
	return value{
		sql: "(" + wide(l) + " % " + r.sql + ")", class: classInt, nullable: l.nullable, unsigned: l.unsigned,
	}, nil
}

func not(negate bool) string { //nolint:revive // the flag is the node's own
	if negate {
		return "NOT "
	}
	return ""
}
