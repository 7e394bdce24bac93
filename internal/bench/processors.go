package bench

import (
	"runtime"
	"sync"
	"time"
)

// processors counts the processors that the runtime may use, and for how long.
//
// A closed loop begins with one of them. With several, each answer wakes a thread
// that finds the work already done, or takes a worker from another that had been
// about to run it: a third of the client's CPU at four connections, and on a machine
// that the server shares, time that the server needs. One thread does tens of
// thousands of operations per second. Where that is not enough, there will be more.
type processors struct {
	most int

	mu    sync.Mutex // guards what follows
	now   int
	since time.Duration // when now became so
	had   time.Duration // processor time that there was until then
}

// fullProcessor is the share of its processors above which a closed loop gets
// more of them: answers begin to wait for one another.
const fullProcessor = 0.8

// allProcessors are those that the process has.
func allProcessors() *processors {
	n := runtime.GOMAXPROCS(0)
	return &processors{most: n, now: n}
}

// available is the processor time that there was until a moment.
func (p *processors) available(at time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.had + (at-p.since)*time.Duration(p.now)
}

// count is how many there are.
func (p *processors) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// use changes how many there are.
func (p *processors) use(n int, at time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.had += (at - p.since) * time.Duration(p.now)
	p.since, p.now = at, n
	runtime.GOMAXPROCS(n)
}

// suffice doubles them if the share of them that was used is too much.
func (p *processors) suffice(share float64, at time.Duration) {
	if n := p.count(); share > fullProcessor && n < p.most {
		p.use(min(2*n, p.most), at)
	}
}
