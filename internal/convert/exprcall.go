package convert

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// callRule rewrites a call whose arguments are translated.
type callRule func(tr *translator, name string, args []value) (value, error)

// callRuleOf returns the rule of a MySQL function; nil for one without a rule.
func callRuleOf(name string) callRule {
	switch name {
	case "coalesce", "ifnull":
		return callCoalesce
	case "if":
		return callIf
	case "nullif":
		return callNullIf
	case "concat":
		return callConcat
	case "lower", "lcase", "upper", "ucase":
		return callCase
	case "length", "octet_length", "char_length", "character_length":
		return callLength
	case "left", "right", "substr", "substring", "trim", "ltrim", "rtrim", "replace", "reverse":
		return callText
	case "abs", "floor", "ceil", "ceiling", "round", "mod":
		return callNumber
	case "greatest", "least":
		return callExtreme
	case "year", "month", "day", "dayofmonth", "quarter", "hour", "minute", "date":
		return callMoment
	}
	return nil
}

func (tr *translator) call(e callExpr) (value, error) {
	rule := callRuleOf(e.name)
	if rule == nil {
		return value{}, fmt.Errorf("the function %s is not translated", e.name)
	}
	args, err := tr.values(e.args)
	if err != nil {
		return value{}, err
	}
	if len(args) == 0 {
		return value{}, fmt.Errorf("%s without arguments is not translated", e.name)
	}
	return rule(tr, e.name, args)
}

// arity is an error unless there are between low and high arguments.
func arity(name string, args []value, low, high int) error {
	if len(args) < low || len(args) > high {
		return fmt.Errorf("%s with %d arguments is not translated", name, len(args))
	}
	return nil
}

// unify brings the branches of CASE, COALESCE and the like to one type.
func unify(values []value) ([]value, value, error) {
	out := value{class: classNull, nullable: true}
	list := append([]value(nil), values...)
	for i, v := range list {
		if v.class == classBool && anyNumeric(values) {
			v, _ = number(v)
			list[i] = v
		}
		switch {
		case v.class == classNull:
			continue
		case out.class == classNull:
			out = v
		case out.class == v.class:
		case out.numeric() && v.numeric() && out.class != classFloat && v.class != classFloat:
			out.class = classDecimal
		default:
			return nil, value{}, fmt.Errorf("%s and %s in one expression are not translated", out.class, v.class)
		}
		out.scale = max(out.scale, v.scale)
		out.unsigned = out.unsigned || v.unsigned
		if out.charset == "" {
			out.charset = v.charset
		}
	}
	switch out.class {
	case classEnum, classOther, classNull:
		return nil, value{}, fmt.Errorf("branches of %s are not translated", out.class)
	case classInt, classDecimal, classFloat, classBool, classText, classBytes, classDate, classDateTime,
		classStamp, classTime, classUUID, classINet:
	}
	if out.class == classDecimal {
		// CockroachDB wants the branches in one type.
		for i, v := range list {
			if v.class == classInt && !v.literal {
				list[i].sql = v.sql + "::DECIMAL"
			}
		}
	}
	coll, err := shared(list...)
	out.coll = coll
	out.literal, out.column, out.text = false, nil, ""
	out.nullable = anyNullable(list...)
	// MySQL prints what a branch gives as it prints the branch.
	out.padded = slices.ContainsFunc(list, func(v value) bool { return v.padded })
	return list, out, err
}

func anyNumeric(values []value) bool {
	for _, v := range values {
		if v.numeric() {
			return true
		}
	}
	return false
}

func sqlOf(values []value) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.sql
	}
	return strings.Join(out, ", ")
}

func callCoalesce(_ *translator, _ string, args []value) (value, error) {
	list, out, err := unify(args)
	if err != nil {
		return value{}, err
	}
	out.sql = "COALESCE(" + sqlOf(list) + ")"
	out.nullable, out.padded = true, false
	for _, v := range list {
		out.nullable = out.nullable && v.nullable
	}
	return out, nil
}

func callIf(_ *translator, name string, args []value) (value, error) {
	if err := arity(name, args, 3, 3); err != nil {
		return value{}, err
	}
	when, err := truth(args[0])
	if err != nil {
		return value{}, err
	}
	list, out, err := unify(args[1:])
	out.sql = "CASE WHEN " + when.sql + " THEN "
	if err == nil {
		out.sql = "(" + out.sql + list[0].sql + " ELSE " + list[1].sql + " END)"
	}
	return out, err
}

func callNullIf(tr *translator, name string, args []value) (value, error) {
	if err := arity(name, args, 2, 2); err != nil {
		return value{}, err
	}
	same, err := tr.compare("=", args[0], args[1])
	if err != nil {
		return value{}, err
	}
	out := args[0]
	if out.class == classEnum || out.class == classOther {
		return value{}, fmt.Errorf("nullif of %s is not translated", out.class)
	}
	out.sql = "(CASE WHEN " + same.sql + " THEN NULL ELSE " + out.sql + " END)"
	out.nullable, out.literal, out.column = true, false, nil
	return out, nil
}

func (tr *translator) caseOf(e caseExpr) (value, error) {
	thens := e.then
	if e.otherwise != nil {
		thens = append(append([]expr(nil), thens...), e.otherwise)
	}
	branches, err := tr.values(thens)
	if err != nil {
		return value{}, err
	}
	branches, out, err := unify(branches)
	if err != nil {
		return value{}, err
	}
	var sql strings.Builder
	sql.WriteString("(CASE")
	for i, w := range e.whens {
		if e.operand != nil {
			w = binaryExpr{"=", e.operand, w}
		}
		when, err := tr.value(w)
		if err != nil {
			return value{}, err
		}
		if when, err = truth(when); err != nil {
			return value{}, err
		}
		sql.WriteString(" WHEN " + when.sql + " THEN " + branches[i].sql)
	}
	if e.otherwise == nil {
		out.nullable = true
	} else {
		sql.WriteString(" ELSE " + branches[len(branches)-1].sql)
	}
	out.sql = sql.String() + " END)"
	return out, nil
}

// callConcat uses ||, which is NULL when one operand is, as MySQL's CONCAT is.
// The targets' own concat() leaves NULLs out.
func callConcat(tr *translator, _ string, args []value) (value, error) {
	out := value{class: classText, nullable: anyNullable(args...)}
	parts := make([]string, len(args))
	for i, v := range args {
		switch {
		case v.class == classText:
			parts[i] = v.sql
		case v.class == classInt && !v.padded:
			parts[i] = v.sql + "::INT8::" + tr.b.d.text()
		default:
			return value{}, fmt.Errorf("concat of %s is not translated", v.class)
		}
		if out.charset == "" {
			out.charset = v.charset
		}
	}
	coll, err := shared(args...)
	out.coll = coll
	out.sql = "(" + strings.Join(parts, " || ") + ")"
	if len(args) == 1 {
		// Alone, VARCHAR stays VARCHAR on the targets; nothing is joined.
		out.sql = parts[0]
	}
	return out, err
}

func callCase(tr *translator, name string, args []value) (value, error) {
	if err := arity(name, args, 1, 1); err != nil || args[0].class != classText {
		return value{}, fmt.Errorf("%s is translated for text only", name)
	}
	out := textResult(args[0])
	out.sql = strings.NewReplacer("lcase", "lower", "ucase", "upper").Replace(name) + "(" + args[0].sql + ")"
	tr.note(name + "() may treat letters outside ASCII in another way")
	return out, nil
}

func callLength(_ *translator, name string, args []value) (value, error) {
	if err := arity(name, args, 1, 1); err != nil {
		return value{}, err
	}
	x := args[0]
	out := value{class: classInt, nullable: x.nullable}
	switch octets := strings.Contains(name, "char"); {
	case x.class == classText && octets:
		out.sql = "char_length(" + x.sql + ")"
	case x.class == classText:
		if x.charset != "" && !strings.HasPrefix(x.charset, "utf8") && x.charset != "ascii" {
			return value{}, fmt.Errorf("the length in bytes differs between %s and UTF-8", x.charset)
		}
		out.sql = "octet_length(" + x.sql + ")"
	case x.class == classBytes:
		out.sql = "octet_length(" + x.sql + ")"
	default:
		return value{}, fmt.Errorf("%s of %s is not translated", name, x.class)
	}
	return out, nil
}

// textResult is what a text function returns, before its SQL is known.
func textResult(x value) value {
	x.literal, x.column, x.text = false, nil, ""
	return x
}

// position returns the constant of a position or length; MySQL gives negative
// and zero positions a meaning of their own.
func position(v value, least int) (string, error) {
	n, err := strconv.Atoi(v.text)
	if err != nil || !v.literal || v.class != classInt || n < least {
		return "", fmt.Errorf("a position that is not a constant of %d or more is not translated", least)
	}
	return v.text, nil
}

func callText(_ *translator, name string, args []value) (value, error) {
	x := args[0]
	if x.class != classText {
		return value{}, fmt.Errorf("%s of %s is not translated", name, x.class)
	}
	out := textResult(x)
	params := []string{x.sql}
	var err error
	switch name {
	case "trim", "ltrim", "rtrim":
		err = arity(name, args, 1, 1)
		// By itself CockroachDB takes tabs and line breaks away as well.
		params = append(params, blanks)
		if name == "trim" {
			name = "btrim"
		}
	case "reverse":
		err = arity(name, args, 1, 1)
	case "left", "right":
		if err = arity(name, args, 2, 2); err == nil {
			var n string
			n, err = position(args[1], 0)
			params = append(params, n)
		}
	case "substr", "substring":
		name = "substr"
		if err = arity(name, args, 2, 3); err == nil {
			err = substrParams(args[1:], &params)
		}
	case "replace":
		if err = arity(name, args, 3, 3); err != nil {
			break
		}
		for _, a := range args[1:] {
			if !a.literal || a.class != classText || a.text == "" && len(params) == 1 {
				return value{}, fmt.Errorf("replace is translated for constant texts only")
			}
			params = append(params, a.sql)
		}
	}
	out.sql = name + "(" + strings.Join(params, ", ") + ")"
	return out, err
}

// blanks are what MySQL trims.
const blanks = "' '"

func substrParams(args []value, params *[]string) error {
	for i, a := range args {
		n, err := position(a, 1-i)
		if err != nil {
			return err
		}
		*params = append(*params, n)
	}
	return nil
}

func callNumber(_ *translator, name string, args []value) (value, error) {
	if name == "mod" {
		if err := arity(name, args, 2, 2); err != nil {
			return value{}, err
		}
		return modulo(args[0], args[1])
	}
	if err := arity(name, args, 1, 2); err != nil || len(args) == 2 && name != "round" {
		return value{}, fmt.Errorf("%s with %d arguments is not translated", name, len(args))
	}
	x, err := number(args[0])
	if err != nil {
		return value{}, err
	}
	out := x
	out.literal, out.column, out.padded = false, nil, false
	switch {
	case name == "abs":
		out.sql = "abs(" + wide(x) + ")"
	case x.class == classFloat && name == "round":
		return value{}, fmt.Errorf("rounding a float depends on the C library of the source")
	case x.class == classFloat:
		return value{}, fmt.Errorf("%s of a float is not translated", name)
	case x.class == classInt && len(args) == 1:
		out.sql = x.sql
	case x.class == classInt:
		return value{}, fmt.Errorf("rounding an integer to places is not translated")
	case name == "round":
		return round(x, out, args[1:])
	default:
		out.sql, out.scale = strings.TrimSuffix(name, "ing")+"("+x.sql+")", 0
	}
	return out, nil
}

// round is exact for decimals: all round half away from zero.
func round(x, out value, places []value) (value, error) {
	n := "0"
	if len(places) == 1 {
		var err error
		if n, err = position(places[0], 0); err != nil {
			return value{}, err
		}
	}
	wanted, _ := strconv.Atoi(n)
	out.scale = min(wanted, x.scale)
	out.sql = "round(" + x.sql + ", " + n + ")"
	return out, nil
}

// callExtreme guards against NULL: MySQL's GREATEST is NULL when one argument
// is, the targets' leaves NULLs out.
func callExtreme(_ *translator, name string, args []value) (value, error) {
	if !anyNumeric(args) {
		return value{}, fmt.Errorf("%s is translated for numbers only", name)
	}
	list, out, err := unify(args)
	if err != nil {
		return value{}, err
	}
	out.padded = false
	if name == "greatest" && out.class == classFloat {
		slices.Reverse(list) // of 0 and -0 MySQL takes the last, and the targets the first
	}
	out.sql = strings.ToUpper(name) + "(" + sqlOf(list) + ")"
	var guards []string
	for _, v := range list {
		if v.nullable {
			guards = append(guards, v.sql+" IS NULL")
		}
	}
	if len(guards) > 0 {
		out.sql = "(CASE WHEN " + strings.Join(guards, " OR ") + " THEN NULL ELSE " + out.sql + " END)"
	}
	return out, nil
}

func callMoment(_ *translator, name string, args []value) (value, error) {
	x := args[0]
	ofDay := name == "hour" || name == "minute"
	if len(args) != 1 || x.class != classDateTime && (x.class != classDate || ofDay) {
		return value{}, fmt.Errorf("%s of %s is not translated", name, x.class)
	}
	out := value{class: classInt, nullable: x.nullable}
	if name == "date" {
		out.class, out.sql = classDate, "("+x.sql+"::DATE)"
		return out, nil
	}
	if name == "dayofmonth" {
		name = "day"
	}
	out.sql = "(extract(" + name + " FROM " + x.sql + ")::INT8)"
	return out, nil
}
