// Package fault gives an error the two things a person at a terminal needs and
// a plain error lacks: what to do next (the hint) and which exit code it means
// (the class). It leaves wording and printing to others.
package fault

import (
	"errors"
	"fmt"
)

// Class says how a command ends because of an error; its value is the exit code.
type Class int

// The classes, in the order of the exit codes that DESIGN.md fixes.
const (
	Failed       Class = 1 // something went wrong; trying again may help
	Usage        Class = 2 // the command line or the plan is wrong
	Refused      Class = 3 // the data or the state forbid to go on, or data differ
	Inconclusive Class = 4 // it could not be decided
)

// Error is an error with a class and, where one is known, a hint.
type Error struct {
	Class Class
	// Hint is one sentence that says what to do next; may be empty.
	Hint string
	// Err says what happened and where.
	Err error
}

// Error returns the message without the hint: the command prints that on a line of its own.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of the class with a hint; format and args are those of fmt.Errorf.
func New(class Class, hint, format string, args ...any) error {
	return &Error{Class: class, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// Wrap gives err a class and a hint; nil stays nil.
func Wrap(class Class, hint string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Class: class, Hint: hint, Err: err}
}

// ClassOf returns the class of the outermost Error in the chain; Failed when
// there is none. It must not be asked about a nil error.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Failed
}

// HintOf returns the first hint in the chain that is not empty.
func HintOf(err error) string {
	for err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}
