// Package e2e holds the end-to-end tests of the migrate command. They build the
// command, run it as a user does against real servers, and judge what arrived
// with queries and comparisons of their own.
//
// It imports none of the packages that move or compare rows, on purpose: a
// mistake that they share cannot hide itself here. There is nothing to import.
package e2e
