package copy

import (
	"sync/atomic"
	"time"
)

const (
	// slowCommit is how long a chunk may take to write before the next ones get
	// smaller: a transaction that stays open for longer meets more of the others,
	// is repeated as a whole, and loses more when the target goes away.
	slowCommit = 5 * time.Second
	// quickCommit is below what a chunk of twice the size may take.
	quickCommit = time.Second
	// mostHalvings bounds how small chunks get: 64 KiB of the default 1 MiB.
	mostHalvings = 4
)

// size adapts the chunks of a table to the time that the target takes for them.
type size struct{ halvings atomic.Int32 }

// of returns what is left of a full-sized limit.
func (s *size) of(full int) int { return max(1, full>>s.halvings.Load()) }

// learn takes notice of how long a chunk took. Two segments that learn at the
// same moment may count as one.
func (s *size) learn(took time.Duration) {
	now := s.halvings.Load()
	switch {
	case took > slowCommit && now < mostHalvings:
		s.halvings.CompareAndSwap(now, now+1)
	case took < quickCommit && now > 0:
		s.halvings.CompareAndSwap(now, now-1)
	}
}
