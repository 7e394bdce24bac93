package row

import "fmt"

// Problem says that one cell of a row cannot arrive as it is. Whoever knows
// the table and the key adds them.
//
//nolint:errname // it describes a value first, and is an error only on its way up
type Problem struct {
	Column string
	// What is wrong with the value, without the value: it may be a customer's.
	What string
	// Hint says what to do, such as the policy that would change the value.
	Hint string
}

// Error names the column and what is wrong.
func (p *Problem) Error() string { return fmt.Sprintf("column %s: %s", p.Column, p.What) }
