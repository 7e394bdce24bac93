package convert

import (
	"errors"
	"fmt"
	"strings"
)

// expr is a node of a MySQL expression. Only what can be translated has a node.
type expr interface{ node() }

type (
	columnExpr struct{ name string }
	stringExpr struct{ text string }
	numberExpr struct{ text string } // may begin with '-'
	bitsExpr   struct{ digits string }
	hexExpr    struct{ digits string }
	nullExpr   struct{}
	boolExpr   struct{ value bool }
	unaryExpr  struct {
		op string // "-" or "NOT"
		x  expr
	}
	binaryExpr struct {
		op   string
		l, r expr
	}
	isNullExpr struct {
		x      expr
		negate bool
	}
	inExpr struct {
		x      expr
		list   []expr
		negate bool
	}
	betweenExpr struct {
		x, low, high expr
		negate       bool
	}
	likeExpr struct {
		x, pattern expr
		negate     bool
	}
	callExpr struct {
		name string // lower case
		args []expr
	}
	caseExpr struct {
		operand     expr // nil for the searched form
		whens, then []expr
		otherwise   expr // nil without ELSE
	}
)

func (columnExpr) node()  {}
func (stringExpr) node()  {}
func (numberExpr) node()  {}
func (bitsExpr) node()    {}
func (hexExpr) node()     {}
func (nullExpr) node()    {}
func (boolExpr) node()    {}
func (unaryExpr) node()   {}
func (binaryExpr) node()  {}
func (isNullExpr) node()  {}
func (inExpr) node()      {}
func (betweenExpr) node() {}
func (likeExpr) node()    {}
func (callExpr) node()    {}
func (caseExpr) node()    {}

// parse reads a MySQL expression. What it does not know is an error that says so.
func parse(text string) (expr, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, fmt.Errorf("%q is not understood", t.text)
	}
	return e, nil
}

// parser descends MySQL's precedence: OR, XOR, AND, NOT, comparison, + -, * / %, unary.
type parser struct {
	tokens []token
	at     int
	depth  int
}

// maxDepth bounds the recursion: an expression of a table definition is far
// flatter, and a stack overflow could not be reported.
const maxDepth = 200

var errTooDeep = errors.New("it is nested too deeply")

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) advance() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

// accept takes the next token when it is one of the texts, and returns it in upper case.
func (p *parser) accept(texts ...string) (string, bool) {
	for _, text := range texts {
		if p.peek().is(text) {
			p.at++
			return strings.ToUpper(text), true
		}
	}
	return "", false
}

func (p *parser) expect(text string) error {
	if _, ok := p.accept(text); !ok {
		return fmt.Errorf("%s expected before %q", text, p.peek().text)
	}
	return nil
}

// chain parses a left-associative run of operators.
func (p *parser) chain(operand func() (expr, error), ops ...string) (expr, error) {
	l, err := operand()
	for err == nil {
		op, ok := p.accept(ops...)
		if !ok {
			return l, nil
		}
		var r expr
		r, err = operand()
		l = binaryExpr{op, l, r}
	}
	return nil, err
}

func (p *parser) or() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errTooDeep
	}
	defer func() { p.depth-- }()
	return p.chain(p.xor, "OR")
}

func (p *parser) xor() (expr, error) { return p.chain(p.and, "XOR") }

func (p *parser) and() (expr, error) {
	l, err := p.chain(p.not, "AND", "&&")
	return l, err
}

func (p *parser) not() (expr, error) {
	negations := 0
	for {
		if _, ok := p.accept("NOT"); !ok {
			break
		}
		if negations++; negations > maxDepth {
			return nil, errTooDeep
		}
	}
	e, err := p.comparison()
	for range negations {
		e = unaryExpr{"NOT", e}
	}
	return e, err
}

func (p *parser) comparison() (expr, error) {
	l, err := p.sum()
	for err == nil {
		op, ok := p.accept("=", "<=>", "<=", ">=", "<>", "!=", "<", ">")
		if ok {
			var r expr
			r, err = p.sum()
			l = binaryExpr{strings.ReplaceAll(op, "!=", "<>"), l, r}
			continue
		}
		var more bool
		l, more, err = p.predicate(l)
		if !more {
			return l, err
		}
	}
	return nil, err
}

// predicate parses IS, IN, BETWEEN or LIKE behind l; more is false without one.
func (p *parser) predicate(l expr) (e expr, more bool, err error) {
	if _, ok := p.accept("IS"); ok {
		e, err = p.is(l)
		return e, true, err
	}
	_, negate := p.accept("NOT")
	op, ok := p.accept("IN", "BETWEEN", "LIKE")
	switch {
	case ok && op == "IN":
		var list []expr
		list, err = p.list()
		return inExpr{l, list, negate}, true, err
	case ok && op == "BETWEEN":
		e, err = p.between(l, negate)
		return e, true, err
	case ok:
		pattern, patternErr := p.sum()
		return likeExpr{l, pattern, negate}, true, patternErr
	case negate:
		return nil, false, fmt.Errorf("NOT before %q is not understood", p.peek().text)
	}
	return l, false, nil
}

func (p *parser) is(l expr) (expr, error) {
	_, negate := p.accept("NOT")
	if _, ok := p.accept("NULL"); ok {
		return isNullExpr{l, negate}, nil
	}
	return nil, fmt.Errorf("IS %s is not translated", strings.ToUpper(p.peek().text))
}

func (p *parser) between(l expr, negate bool) (expr, error) {
	low, err := p.sum()
	if err != nil {
		return nil, err
	}
	if err = p.expect("AND"); err != nil {
		return nil, err
	}
	high, err := p.sum()
	return betweenExpr{l, low, high, negate}, err
}

func (p *parser) sum() (expr, error)     { return p.chain(p.product, "+", "-") }
func (p *parser) product() (expr, error) { return p.chain(p.unary, "*", "/", "%", "MOD", "DIV") }

func (p *parser) unary() (expr, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, errTooDeep
	}
	defer func() { p.depth-- }()
	op, ok := p.accept("-", "+", "!")
	if !ok {
		return p.primary()
	}
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	switch n, number := x.(numberExpr); {
	case op == "+":
		return x, nil
	case op == "!":
		return unaryExpr{"NOT", x}, nil
	case number && !strings.HasPrefix(n.text, "-"):
		return numberExpr{"-" + n.text}, nil
	}
	return unaryExpr{"-", x}, nil
}

func (p *parser) primary() (expr, error) {
	t := p.advance()
	switch t.kind {
	case tokenNumber:
		return numberExpr{t.text}, nil
	case tokenString:
		// Strings next to each other are one string.
		for p.peek().kind == tokenString {
			t.text += p.advance().text
		}
		return stringExpr{t.text}, nil
	case tokenBits:
		return bitsExpr{t.text}, nil
	case tokenHex:
		return hexExpr{t.text}, nil
	case tokenName:
		return p.column(t.text)
	case tokenWord:
		return p.wordExpr(t.text)
	case tokenSymbol:
		if t.text == "(" {
			e, err := p.or()
			if err != nil {
				return nil, err
			}
			return e, p.expect(")")
		}
	case tokenEnd:
		return nil, fmt.Errorf("it ends too early")
	}
	return nil, fmt.Errorf("%q is not understood", t.text)
}

// column drops the qualifiers of `db`.`table`.`column`: an expression of a
// table speaks of that table only.
func (p *parser) column(name string) (expr, error) {
	for {
		if _, ok := p.accept("."); !ok {
			return columnExpr{name}, nil
		}
		t := p.advance()
		if t.kind != tokenName && t.kind != tokenWord {
			return nil, fmt.Errorf("a name expected after the point")
		}
		name = t.text
	}
}

// operators are keywords that cannot begin an operand.
var operators = map[string]bool{
	"and": true, "or": true, "xor": true, "div": true, "in": true, "is": true, "like": true,
	"between": true, "regexp": true, "rlike": true, "collate": true, "when": true, "then": true,
	"else": true, "end": true, "binary": true, "interval": true, "cast": true, "convert": true,
	"select": true, "exists": true,
}

func (p *parser) wordExpr(word string) (expr, error) {
	lower := strings.ToLower(word)
	switch {
	case lower == "null":
		return nullExpr{}, nil
	case lower == "true" || lower == "false":
		return boolExpr{lower == "true"}, nil
	case lower == "case":
		return p.caseOf()
	case operators[lower], strings.HasPrefix(lower, "_") && p.peek().kind == tokenString:
		return nil, fmt.Errorf("%s is not translated", word)
	case p.peek().is("("):
		args, err := p.list()
		return callExpr{lower, args}, err
	}
	return p.column(word)
}

func (p *parser) list() ([]expr, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if _, ok := p.accept(")"); ok {
		return nil, nil
	}
	var out []expr
	for {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if _, ok := p.accept(","); !ok {
			return out, p.expect(")")
		}
	}
}

// when parses what follows WHEN.
func (p *parser) when(c *caseExpr) error {
	condition, err := p.or()
	if err != nil {
		return err
	}
	if err = p.expect("THEN"); err != nil {
		return err
	}
	then, err := p.or()
	c.whens, c.then = append(c.whens, condition), append(c.then, then)
	return err
}

func (p *parser) caseOf() (expr, error) {
	var c caseExpr
	var err error
	if !p.peek().is("WHEN") {
		if c.operand, err = p.or(); err != nil {
			return nil, err
		}
	}
	for {
		if _, ok := p.accept("WHEN"); !ok {
			break
		}
		if err = p.when(&c); err != nil {
			return nil, err
		}
	}
	if len(c.whens) == 0 {
		return nil, fmt.Errorf("CASE without WHEN")
	}
	if _, ok := p.accept("ELSE"); ok {
		if c.otherwise, err = p.or(); err != nil {
			return nil, err
		}
	}
	return c, p.expect("END")
}
