package convert

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// operatorOf gives the target's spelling of a comparison.
func operatorOf(op string) string {
	if op == "<=>" {
		return "IS NOT DISTINCT FROM"
	}
	return op
}

// equality says whether the operator asks for equal or unequal only.
func equality(op string) bool { return op == "=" || op == "<>" || op == "<=>" }

func (tr *translator) compare(op string, l, r value) (value, error) {
	left, right, err := tr.comparable(op, l, r)
	if err != nil {
		return value{}, err
	}
	return value{
		sql:   "(" + left + " " + operatorOf(op) + " " + right + ")",
		class: classBool, nullable: op != "<=>" && anyNullable(l, r),
	}, nil
}

// comparable returns the SQL of both sides so that the target compares them as
// the source does.
func (tr *translator) comparable(op string, l, r value) (left, right string, err error) {
	switch {
	case l.class == classBool || r.class == classBool:
		return booleans(op, l, r)
	case l.numeric() && r.numeric():
		return numbers(l, r)
	case l.class == classText && r.class == classText:
		return tr.texts(op, l, r)
	case r.class == classText && r.literal:
		right, err = constantFor(op, l, r)
		return l.sql, right, err
	case l.class == classText && l.literal:
		left, err = constantFor(op, r, l)
		return left, r.sql, err
	case l.class == r.class && sameOrder(op, l.class):
		return l.sql, r.sql, nil
	}
	return "", "", fmt.Errorf("%s %s %s is not translated", l.class, op, r.class)
}

// sameOrder says whether both sides compare values of the class alike.
func sameOrder(op string, c class) bool {
	switch c {
	case classDate, classDateTime, classStamp, classTime:
		return true
	case classBytes, classUUID, classINet:
		return equality(op)
	case classNull, classInt, classDecimal, classFloat, classBool, classText, classEnum, classOther:
	}
	return false
}

// constantFor returns the literal, in the type of x, of a string that x is compared with.
func constantFor(op string, x, text value) (string, error) {
	if x.class == classEnum {
		return label(op, x, text)
	}
	return moment(x.class, text.text)
}

func booleans(op string, l, r value) (left, right string, err error) {
	if equality(op) {
		l, r = asBool(l), asBool(r)
		if l.class == classBool && r.class == classBool {
			return l.sql, r.sql, nil
		}
	}
	if l, err = number(l); err != nil {
		return "", "", err
	}
	if r, err = number(r); err != nil {
		return "", "", err
	}
	return numbers(l, r)
}

// asBool turns the constants 0 and 1 into booleans.
func asBool(v value) value {
	if v.literal && v.class == classInt && (v.text == "0" || v.text == "1") {
		return value{sql: strings.ToUpper(fmt.Sprint(v.text == "1")), class: classBool}
	}
	return v
}

func numbers(l, r value) (left, right string, err error) {
	if (l.class == classFloat) != (r.class == classFloat) && !l.literal && !r.literal {
		return "", "", fmt.Errorf("a float beside an exact number is compared differently")
	}
	if shortYear(l, r) || shortYear(r, l) {
		return "", "", fmt.Errorf("a YEAR beside a number of two digits is compared as one of this or the last century")
	}
	return l.sql, r.sql, nil
}

// shortYear says whether MySQL takes the number for a year: 70 for 1970.
func shortYear(year, number value) bool {
	const century = 100
	n, err := strconv.ParseFloat(number.text, 64) // 70.0 as well
	return year.column != nil && year.column.From.Base == "year" && number.literal && err == nil && n > 0 && n < century
}

// label returns the literal of an enum type for a string that it is compared with.
func label(op string, enum, text value) (string, error) {
	if !equality(op) || enum.column == nil {
		return "", fmt.Errorf("an enum is translated in = and <> only: the targets sort it by position")
	}
	found, ok := labelOf(enum.column.Labels, text.text)
	if !ok || found != text.text && collationOf(enum.column.From.Collation).caseSensitive {
		return "", fmt.Errorf("%q is not a label of %s", text.text, enum.column.Source)
	}
	return literal(found) + "::" + enum.column.Type, nil
}

// texts compares strings for equality. Where the source ignores case or
// trailing spaces, so must the target.
func (tr *translator) texts(op string, l, r value) (left, right string, err error) {
	if !equality(op) {
		return "", "", fmt.Errorf("text is sorted differently on the target")
	}
	coll, err := shared(l, r)
	if err != nil {
		return "", "", err
	}
	if !coll.exact() {
		if tr.purpose != forCheck {
			return "", "", fmt.Errorf("the collation %s ignores case or accents", coll.name)
		}
		tr.note("case is ignored as on the source (" + coll.name + "), but letters with accents are not equal to those without")
	}
	left, err = fold(l, coll)
	if err != nil {
		return "", "", err
	}
	right, err = fold(r, coll)
	return left, right, err
}

// shared returns the collation of a comparison.
func shared(values ...value) (collation, error) {
	var out collation
	for _, v := range values {
		switch {
		case v.literal || v.class != classText:
		case out.name == "":
			out = v.coll
		case out.name != v.coll.name:
			return collation{}, fmt.Errorf("the collations %s and %s are mixed", out.name, v.coll.name)
		}
	}
	return out, nil
}

func fold(v value, coll collation) (string, error) {
	if v.literal {
		return foldLiteral(v.text, coll)
	}
	sql := v.sql
	if coll.padded && coll.name != "" {
		sql = "rtrim(" + sql + ", " + blanks + ")"
	}
	if !coll.exact() && !coll.caseSensitive {
		sql = "lower(" + sql + ")"
	}
	return sql, nil
}

func foldLiteral(text string, coll collation) (string, error) {
	if coll.padded && coll.name != "" {
		text = strings.TrimRight(text, " ")
	}
	if coll.exact() {
		return literal(text), nil
	}
	for _, r := range text {
		if r >= 0x80 {
			return "", fmt.Errorf("comparing %q under %s is not translated", text, coll.name)
		}
	}
	if !coll.caseSensitive {
		text = strings.ToLower(text)
	}
	return literal(text), nil
}

var (
	dateForm     = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	dateTimeForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$`)
	timeForm     = regexp.MustCompile(`^\d{2}:\d{2}:\d{2}(\.\d{1,6})?$`)
)

// moment returns the literal of a date or time that a string is compared with.
func moment(c class, text string) (string, error) {
	switch {
	case c == classDate && isMoment(dateForm, time.DateOnly, text):
		return literal(text) + "::DATE", nil
	case c == classDateTime && (isMoment(dateTimeForm, time.DateTime, text) || isMoment(dateForm, time.DateOnly, text)):
		return literal(text) + "::TIMESTAMP", nil
	case c == classTime && isMoment(timeForm, time.TimeOnly, text):
		return literal(text) + "::TIME", nil
	}
	return "", fmt.Errorf("%s compared with %q is not translated", c, text)
}

// isMoment says whether the text has the form and names a real date or time.
func isMoment(form *regexp.Regexp, layout, text string) bool {
	if !form.MatchString(text) {
		return false
	}
	_, err := time.Parse(layout, text)
	return err == nil && !strings.HasPrefix(text, "0000")
}

func (tr *translator) in(e inExpr) (value, error) {
	x, err := tr.value(e.x)
	if err != nil {
		return value{}, err
	}
	list, err := tr.values(e.list)
	if err != nil {
		return value{}, err
	}
	if len(list) == 0 {
		return value{}, fmt.Errorf("IN without values")
	}
	var left string
	right := make([]string, len(list))
	for i, v := range list {
		if !v.literal && v.class != classBool {
			return value{}, fmt.Errorf("IN is translated for constants only")
		}
		l, r, err := tr.comparable("=", x, v)
		if err != nil {
			return value{}, err
		}
		if i > 0 && l != left {
			return value{}, fmt.Errorf("IN compares values of several types")
		}
		left, right[i] = l, r
	}
	return value{
		sql:   "(" + left + " " + not(e.negate) + "IN (" + strings.Join(right, ", ") + "))",
		class: classBool, nullable: x.nullable,
	}, nil
}

func (tr *translator) between(e betweenExpr) (value, error) {
	x, err := tr.value(e.x)
	if err != nil {
		return value{}, err
	}
	bounds, err := tr.values([]expr{e.low, e.high})
	if err != nil {
		return value{}, err
	}
	low, err := tr.compare(">=", x, bounds[0])
	if err != nil {
		return value{}, err
	}
	high, err := tr.compare("<=", x, bounds[1])
	if err != nil {
		return value{}, err
	}
	sql := "(" + low.sql + " AND " + high.sql + ")"
	if e.negate {
		sql = "(NOT " + sql + ")"
	}
	return value{sql: sql, class: classBool, nullable: anyNullable(low, high)}, nil
}

// like is translated where it is exact: MySQL compares character by character
// under the collation, and does not ignore trailing spaces.
func (tr *translator) like(e likeExpr) (value, error) {
	x, err := tr.value(e.x)
	if err != nil {
		return value{}, err
	}
	pattern, err := tr.value(e.pattern)
	if err != nil {
		return value{}, err
	}
	if x.class != classText || !pattern.literal || pattern.class != classText || !x.coll.exact() {
		return value{}, fmt.Errorf("LIKE is translated for binary collations and constant patterns only")
	}
	if strings.HasSuffix(pattern.text, `\`) {
		return value{}, fmt.Errorf("the LIKE pattern ends in a backslash")
	}
	return value{
		sql:   "(" + x.sql + " " + not(e.negate) + "LIKE " + pattern.sql + ")",
		class: classBool, nullable: x.nullable,
	}, nil
}
