package selftest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"leap/internal/alarm"
	"leap/internal/bench"
	"leap/internal/hist"
)

// Server is a server whose answers are known beforehand: a request that arrives
// at a moment is answered at another that follows from the moment and the
// request's number alone. It takes any number of requests at once.
type Server struct {
	// Work returns how long a request takes while nothing is wrong.
	Work func(seq uint64) time.Duration
	// Spells are the times at which something is; they do not overlap and are
	// in order.
	Spells []Spell
}

// Spell is a time, counted from the start of the measurement, during which the
// server works more slowly.
type Spell struct {
	From, To time.Duration
	// Slower divides the speed; 0 stops the server until To.
	Slower float64
}

// Answered returns when a request that arrives at a moment is answered.
func (s *Server) Answered(seq uint64, arrived time.Duration) time.Duration {
	at, left := arrived, s.Work(seq)
	for _, spell := range s.Spells {
		if at >= spell.To {
			continue
		}
		if at < spell.From {
			if at+left <= spell.From {
				return at + left
			}
			left -= spell.From - at
			at = spell.From
		}
		if spell.Slower > 0 {
			possible := time.Duration(float64(spell.To-at) / spell.Slower)
			if left <= possible {
				return at + time.Duration(float64(left)*spell.Slower)
			}
			left -= possible
		}
		at = spell.To
	}
	return at + left
}

// Constant returns requests that all take the same time.
func Constant(d time.Duration) func(uint64) time.Duration {
	return func(uint64) time.Duration { return d }
}

// Exponential returns requests that take exponentially distributed times with
// a mean; seed and number choose.
func Exponential(mean time.Duration, seed uint64) func(uint64) time.Duration {
	return func(seq uint64) time.Duration {
		return time.Duration(rand.New(rand.NewPCG(seed, seq)).ExpFloat64() * float64(mean)) //nolint:gosec // not a secret
	}
}

// Log is what the server itself knows of a request.
type Log struct {
	Seq uint64
	// Due is when the client says that it was due, Answered when the server
	// answered, by its own clock.
	Due, Answered time.Duration
}

// load lets a Server answer the calls of a run, one alarm for each worker.
type load struct {
	server *Server
	alarms []*alarm.Alarm
	logs   [][]Log // by worker
	once   sync.Once
}

// newLoad prepares the answers for a number of workers.
func newLoad(s *Server, workers int, timer bench.Timer) (*load, error) {
	l := &load{server: s, logs: make([][]Log, workers)}
	for range workers {
		a := alarm.Coarse()
		if timer == bench.Precise {
			var err error
			if a, err = alarm.Precise(); err != nil {
				l.close()
				return nil, fmt.Errorf("start the server: %w", err)
			}
		}
		l.alarms = append(l.alarms, a)
	}
	return l, nil
}

// Op says that there is only one kind of operation.
func (*load) Op(uint64) int { return 0 }

// Do answers a call.
func (l *load) Do(_ context.Context, call bench.Call) bench.Result {
	origin := call.Due.Add(-call.At)
	arrived := time.Since(origin)
	answered := l.alarms[call.Worker].Until(origin.Add(l.server.Answered(call.Seq, arrived)))
	l.logs[call.Worker] = append(l.logs[call.Worker], Log{call.Seq, call.At, answered.Sub(origin)})
	return bench.Result{Attempts: 1, Outcome: hist.Done}
}

func (l *load) close() {
	l.once.Do(func() {
		for _, a := range l.alarms {
			a.Close()
		}
	})
}
