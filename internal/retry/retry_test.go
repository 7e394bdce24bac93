package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func state(code string) error { return &pgconn.PgError{Code: code, Message: "x"} }

func TestClassify(t *testing.T) {
	for _, test := range []struct {
		err  error
		want Class
	}{
		{state("40001"), Retryable},
		{state("40P01"), Retryable},
		{state("40003"), Ambiguous},
		{state("57P01"), Retryable},
		{state("25P03"), Retryable},
		{state("57P05"), Retryable},
		{state("57P03"), Retryable},
		{state("08006"), Retryable},
		{state("53300"), Retryable},
		{state("53200"), Retryable},
		{state("53100"), Fatal}, // the disk is full
		{state("57014"), Fatal},
		{state("23505"), Fatal},
		{state("22003"), Fatal},
		{state("42P01"), Fatal},
		{state("28P01"), Fatal},
		{&AmbiguousError{state("40001")}, Ambiguous},
		{&AmbiguousError{context.Canceled}, Ambiguous},
		{fmt.Errorf("write: %w", &AmbiguousError{io.EOF}), Ambiguous},
		{fmt.Errorf("write: %w", state("40001")), Retryable},
		{errors.Join(errors.New("other"), state("40001")), Retryable},
		{io.EOF, Retryable},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), Retryable},
		{net.ErrClosed, Retryable},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, Retryable},
		{fmt.Errorf("x: %w", syscall.ECONNRESET), Retryable},
		{syscall.EPIPE, Retryable},
		{errors.New("conn closed"), Retryable},
		{context.Canceled, Fatal},
		{errors.New("anything else"), Fatal},
		// A connection that cannot be had in time: the context that ended is
		// the attempt's, and Do looks at the caller's by itself.
		{fmt.Errorf("connect: %w", context.DeadlineExceeded), Retryable},
	} {
		if got := Classify(test.err); got != test.want {
			t.Errorf("%v: class %d, want %d", test.err, got, test.want)
		}
	}
}

func TestSQLState(t *testing.T) {
	if got := SQLState(fmt.Errorf("x: %w", state("12345"))); got != "12345" {
		t.Errorf("got %q", got)
	}
	if got := SQLState(io.EOF) + SQLState(nil); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts, told := 0, 0
		var waited time.Duration
		started := time.Now()
		err := Do(t.Context(), Policy{For: time.Minute, Notify: func(err error, attempt int, wait time.Duration) {
			told++
			waited += wait
			if attempt != told || SQLState(err) != "40001" || wait <= 0 || wait > 8*time.Second {
				t.Errorf("told of attempt %d, %v, wait %s", attempt, err, wait)
			}
		}}, func() error {
			if attempts++; attempts < 6 {
				return state("40001")
			}
			return nil
		})
		if err != nil || attempts != 6 || told != 5 || time.Since(started) != waited {
			t.Errorf("%v after %d attempts, told %d times, %s", err, attempts, told, time.Since(started))
		}
	})
}

// TestDoEnds lists what is not repeated.
func TestDoEnds(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy Policy
		err    error
	}{
		{"fatal", Policy{For: time.Hour}, state("23505")},
		{"ambiguous", Policy{For: time.Hour}, &AmbiguousError{io.EOF}},
		{"one attempt", Policy{}, state("40001")},
	} {
		attempts := 0
		err := Do(t.Context(), test.policy, func() error { attempts++; return test.err })
		if attempts != 1 || !errors.Is(err, test.err) || err.Error() != test.err.Error() {
			t.Errorf("%s: %d attempts, %v", test.name, attempts, err)
		}
	}
}

// TestDoGivesUp: within the time, and the last error stays recognisable.
func TestDoGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 30 * time.Second
		attempts := 0
		started := time.Now()
		err := Do(t.Context(), Policy{For: patience}, func() error { attempts++; return state("40001") })
		if took := time.Since(started); took > patience || took < patience-8*time.Second {
			t.Errorf("took %s", took)
		}
		if SQLState(err) != "40001" || !strings.Contains(err.Error(), fmt.Sprintf("after %d attempts", attempts)) || attempts < 8 {
			t.Errorf("%d attempts, %v", attempts, err)
		}
	})
}

// TestDoCancelled: during the wait and between attempts.
func TestDoCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errors.New("stop now"))
		defer cancel()
		started := time.Now()
		err := Do(ctx, Policy{For: time.Hour}, func() error { return io.EOF })
		if err == nil || !strings.Contains(err.Error(), "stop now") || time.Since(started) > 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(started))
		}
		attempts := 0
		if err := Do(ctx, Policy{For: time.Hour}, func() error { attempts++; return ctx.Err() }); err == nil || attempts != 1 {
			t.Errorf("%d attempts after the end, %v", attempts, err)
		}
	})
}
