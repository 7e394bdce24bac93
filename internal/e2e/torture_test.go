package e2e

import (
	"cmp"
	"database/sql"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// The environment variables of the torture.
const (
	// tortureVariable set to 1 asks for the long version, on every target.
	tortureVariable = "LEAP_TORTURE"
	// seedVariable repeats a run: the same rows see the same accidents, as far
	// as the machine allows.
	seedVariable = "LEAP_TORTURE_SEED"
)

// torture says how much there is to copy and what happens meanwhile.
type torture struct {
	seed                            uint64
	rows                            int
	kills, targetKills, sourceKills int
	flags                           []string
	pause                           time.Duration // between faults of the network, about
	look                            time.Duration // how often the progress is looked at; it costs the target something
}

// TestTorture copies a database while the command, both servers and the network
// in between are broken again and again, and proves that every row is there once.
func TestTorture(t *testing.T) {
	x := torture{seed: 7, rows: 24_000, kills: 5, targetKills: 1, sourceKills: 1, flags: []string{"--chunk-rows=200"}, pause: 700 * time.Millisecond, look: 20 * time.Millisecond}
	long := os.Getenv(tortureVariable) == "1"
	if long {
		x = torture{
			seed: rand.Uint64(), rows: 2_000_000, kills: 50, targetKills: 5, sourceKills: 5,
			// Held back, or a fast machine is done before a look has seen it come near the last accidents.
			flags: []string{"--chunk-rows=2000", "--max-rows-per-second=25000"}, pause: time.Second, look: 100 * time.Millisecond,
		}
	}
	x.seed = seedOr(t, x.seed)
	if !long {
		t.Parallel()
		x.run(t, sandboxtest.Target(t).Kind())
		return
	}
	sandboxtest.EachTarget(t, func(t *testing.T, shared *sandbox.Server) { x.run(t, shared.Kind()) })
}

// seedOr is the given seed unless the environment names another.
func seedOr(t *testing.T, seed uint64) uint64 {
	t.Helper()
	if text := os.Getenv(seedVariable); text != "" {
		wanted, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = wanted
	}
	t.Logf("seed %d (%s=%d repeats it)", seed, seedVariable, seed)
	return seed
}

// accident is something that happens when so many rows are recorded.
type accident struct {
	rows int
	what string // one of the constants below
}

const (
	killCommand = "the command is killed"
	killYoung   = "the command is killed soon after its start"
	killTarget  = "the target is killed"
	killSource  = "the source is killed"
)

// accidents are spread over the copy. The last one comes shortly before its end,
// so that it may hit the building of indexes; at the very end it could come late.
func (x torture) accidents(random *rand.Rand) []accident {
	var all []accident
	add := func(n int, what string) {
		for range n {
			all = append(all, accident{random.IntN(x.rows), what})
		}
	}
	young := x.kills / 5
	add(x.kills-young-1, killCommand)
	add(young, killYoung)
	add(x.targetKills, killTarget)
	add(x.sourceKills, killSource)
	all = append(all, accident{x.rows - x.rows/100, killCommand})
	slices.SortStableFunc(all, func(a, b accident) int { return cmp.Compare(a.rows, b.rows) })
	return all
}

// tormented is a copy under torture.
type tormented struct {
	torture
	m        move // through the bad network
	random   *rand.Rand
	waiting  []accident
	happened map[string]int
	progress *sql.DB // on the target, past the network
	told     time.Time
}

func (x torture) run(t *testing.T, kind sandbox.Kind) {
	t.Helper()
	source, err := sandbox.StartSource(t.Context(), sandbox.Options{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	stopAtEnd(t, source)
	target, err := sandbox.StartTarget(t.Context(), kind, sandbox.Options{Durable: true})
	if err != nil {
		t.Fatal(err)
	}
	stopAtEnd(t, target)
	fillTorture(t, source, "bank", x.rows)
	if err := target.Exec(t.Context(), "", "CREATE DATABASE bank"); err != nil {
		t.Fatal(err)
	}
	direct := move{source: source, target: target, from: "bank", to: "bank"}
	direct.must(t, exitDone, "schema", "--apply")

	random := rand.New(rand.NewPCG(x.seed, 1))
	c := tormented{
		torture: x, m: direct, random: random, waiting: x.accidents(random),
		happened: map[string]int{}, progress: handle(t, target, "bank"),
	}
	c.m.links = newLinks(t, source, target)
	calm := c.m.links.torment(t.Context(), rand.New(rand.NewPCG(x.seed, 2)), x.pause)
	started := time.Now()
	lives, gaveUp := c.untilDone(t)
	faults := calm()
	t.Logf("%s: %d rows in %s; %d starts, of which %d ended by themselves; %v; faults of the network: %v",
		target, x.rows, time.Since(started).Round(time.Second), lives, gaveUp, c.happened, faults)
	if len(c.waiting) > 0 {
		t.Errorf("the copy was done before %v: the torture proves less than it says", c.waiting)
	}
	if len(faults) == 0 {
		t.Error("the network had no fault")
	}
	checkTorture(t, direct, x.rows)
	direct.must(t, exitDone, "verify")
}

// untilDone starts the command again until it says that all is copied. It may
// give up when an end is away for too long, and must not call that a refusal.
func (c *tormented) untilDone(t *testing.T) (lives, gaveUp int) {
	t.Helper()
	for most := 5*c.kills + 100; lives < most; {
		lives++
		p := c.m.start(t, "copy", append([]string{"--retry-for=15s"}, c.flags...)...)
		c.live(t, p)
		o := p.outcome(t)
		switch {
		case o.code == exitDone && len(c.waiting) == 0:
			return lives, gaveUp
		case o.code == exitDone:
			t.Errorf("the copy is done, though %v are still to come: %s", c.waiting, o)
			return lives, gaveUp
		case p.killedBySignal():
		case o.code == exitFailed:
			gaveUp++
			t.Logf("it gave up: %s", clip(o.stderr))
		default:
			t.Fatalf("the copy ends otherwise than by failure: %s", o)
		}
	}
	t.Fatalf("not done after %d starts", lives)
	return lives, gaveUp
}

// exitFailed is the exit code of a command that could not do its work.
const exitFailed = 1

// live lets accidents happen until the process ends.
func (c *tormented) live(t *testing.T, p *process) {
	t.Helper()
	if len(c.waiting) > 0 && c.waiting[0].what == killYoung {
		c.happen()
		if !p.hasEnded(shorter(c.random, 600*time.Millisecond)) {
			p.kill()
		}
		<-p.ended
		return
	}
	rows := 0
	for !p.hasEnded(c.look) {
		var n int
		// The target may be away just now.
		if err := c.progress.QueryRowContext(t.Context(), "SELECT coalesce(sum(row_count), 0)::INT8 FROM _migrate.chunk").Scan(&n); err == nil {
			rows = n
			c.tell(t, rows)
		}
		for len(c.waiting) > 0 && c.waiting[0].rows <= rows {
			switch c.waiting[0].what {
			case killYoung: // the next process
				p.kill()
				<-p.ended
				return
			case killCommand:
				c.happen()
				p.hasEnded(shorter(c.random, 50*time.Millisecond))
				p.kill()
				<-p.ended
				return
			case killTarget:
				c.happen()
				c.crash(t, c.m.target)
			case killSource:
				c.happen()
				c.crash(t, c.m.source)
			}
		}
	}
}

// tell says now and then how far the copy is.
func (c *tormented) tell(t *testing.T, rows int) {
	t.Helper()
	const every = 30 * time.Second
	if time.Since(c.told) < every {
		return
	}
	c.told = time.Now()
	t.Logf("%s  %d rows of %d, %v, %d accidents to come", c.told.UTC().Format(time.TimeOnly), rows, c.rows, c.happened, len(c.waiting))
}

func (c *tormented) happen() {
	c.happened[c.waiting[0].what]++
	c.waiting = c.waiting[1:]
}

// crash kills a server and starts it again after a moment.
func (c *tormented) crash(t *testing.T, server *sandbox.Server) {
	t.Helper()
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	sleep(t.Context(), shorter(c.random, time.Second))
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}
