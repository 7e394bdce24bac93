// Package retry decides what may be tried again: it classifies an error by what
// is known about the transaction that met it, and spaces the attempts. It runs
// nothing by itself and speaks to no server.
package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Class says what an error means for the work that met it.
type Class int

// The classes.
const (
	// Fatal errors come again however often the work is repeated.
	Fatal Class = iota
	// Retryable errors left nothing behind: the transaction was rolled back.
	Retryable
	// Ambiguous errors came while the transaction was being committed: it may
	// have been. Find out before doing it again.
	Ambiguous
)

// AmbiguousError marks an error met at COMMIT after which nobody knows whether
// the transaction was committed.
type AmbiguousError struct{ Err error }

// Error says what happened.
func (e *AmbiguousError) Error() string {
	return "the outcome of the commit is unknown: " + e.Err.Error()
}

// Unwrap returns the error met.
func (e *AmbiguousError) Unwrap() error { return e.Err }

// LostError marks an error of an end that was lost, or could not be reached,
// while it was only read from: the same may be asked again.
type LostError struct{ Err error }

// Error says what happened.
func (e *LostError) Error() string { return e.Err.Error() }

// Unwrap returns the error met.
func (e *LostError) Unwrap() error { return e.Err }

// stater is implemented by the errors of PostgreSQL's protocol.
type stater interface {
	error
	SQLState() string
}

// SQLState returns the five-character code of a server's error; empty when err is none.
func SQLState(err error) string {
	if s, ok := errors.AsType[stater](err); ok {
		return s.SQLState()
	}
	return ""
}

// Classify says what may be done after err, which must not be nil. It takes CockroachDB's and
// PostgreSQL's codes: 40001 and 40P01 ask for a repetition, 40003 is
// ambiguous, 57P01 to 57P03 and class 08 and 53 pass when the server is back.
// 25P03 and 57P05 tell a process that stood still for too long that the server
// has ended its session: nothing of it was committed, and it may begin again.
func Classify(err error) Class {
	if _, ok := errors.AsType[*AmbiguousError](err); ok {
		return Ambiguous
	}
	if errors.Is(err, context.Canceled) {
		return Fatal
	}
	if _, ok := errors.AsType[*LostError](err); ok {
		return Retryable
	}
	// An exceeded deadline is that of one attempt, such as a connection that
	// could not be had in time, and counts as broken: Do looks at the caller's
	// context by itself.
	switch code := SQLState(err); {
	case code == "40003":
		return Ambiguous
	case code == "40001", code == "40P01", code == "57P01", code == "57P02", code == "57P03":
		return Retryable
	case code == "25P03", code == "57P05":
		return Retryable
	case strings.HasPrefix(code, "08"), code == "53300", code == "53200":
		return Retryable
	case code != "":
		return Fatal
	}
	if broken(err) {
		return Retryable
	}
	return Fatal
}

// broken reports whether the connection was lost or could not be had.
func broken(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "conn closed")
}

// Policy bounds the attempts.
type Policy struct {
	// For is how long to go on trying; 0 means a single attempt.
	For time.Duration
	// Notify, if set, is told of each failed attempt before the wait.
	Notify func(err error, attempt int, wait time.Duration)
}

// Do calls fn until it succeeds, fails fatally or the policy's time is over.
// Between attempts it waits from 50 ms up to 5 s, growing by half each time
// and jittered, so that many workers do not knock at once. Ambiguous errors
// end it: only the caller can find out what happened.
func Do(ctx context.Context, p Policy, fn func() error) error {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 50 * time.Millisecond
	b.MaxInterval = 5 * time.Second
	attempt := 0
	started := time.Now()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		attempt++
		err := fn()
		if err != nil && (Classify(err) != Retryable || p.For == 0) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(b), backoff.WithMaxElapsedTime(max(p.For, time.Nanosecond)), backoff.WithNotify(func(err error, wait time.Duration) {
		if p.Notify != nil {
			p.Notify(err, attempt, wait)
		}
	}))
	if err == nil {
		return nil
	}
	if permanent, ok := errors.AsType[*backoff.PermanentError](err); ok {
		return permanent.Err
	}
	if attempt > 1 {
		return fmt.Errorf("%w (after %d attempts in %s)", err, attempt, time.Since(started).Round(time.Second))
	}
	return err
}
