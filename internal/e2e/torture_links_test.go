package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"leap/internal/sandbox"
)

// links is a bad network: a proxy in front of each server.
type links struct {
	nowhere *toxiproxy.ApiServer
	servers []string // their own addresses; in order, so that a seed means the same link

	mu      sync.Mutex // guards proxies
	proxies map[string]*toxiproxy.Proxy
}

// newLinks puts a proxy in front of the servers until the test ends.
func newLinks(t *testing.T, servers ...*sandbox.Server) *links {
	t.Helper()
	l := &links{
		nowhere: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		proxies: map[string]*toxiproxy.Proxy{},
	}
	for _, server := range servers {
		address := net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
		l.servers = append(l.servers, address)
		if err := l.place(address); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, address := range l.servers {
			l.at(address).Stop()
		}
	})
	return l
}

// place puts a new proxy, on a new port, in front of a server.
func (l *links) place(address string) error {
	proxy := toxiproxy.NewProxy(l.nowhere, address, "127.0.0.1:0", address)
	if err := proxy.Start(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.proxies[address] = proxy
	return nil
}

func (l *links) at(address string) *toxiproxy.Proxy {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.proxies[address]
}

// route turns a server's URL into that of its proxy.
func (l *links) route(url string) string {
	if l == nil {
		return url
	}
	for _, address := range l.servers {
		url = strings.Replace(url, address, l.at(address).Listen, 1)
	}
	return url
}

// torment breaks the network over and over until the returned function is
// called, which gives the number of faults by kind.
func (l *links) torment(ctx context.Context, random *rand.Rand, pause time.Duration) (stop func() map[string]int) {
	ctx, cancel := context.WithCancel(ctx)
	faults := map[string]int{}
	var done sync.WaitGroup
	done.Go(func() {
		for sleep(ctx, shorter(random, 2*pause)) {
			l.fault(ctx, random, faults)
		}
	})
	return func() map[string]int {
		cancel()
		done.Wait()
		return faults
	}
}

// fault spoils one direction of one link for a moment.
func (l *links) fault(ctx context.Context, random *rand.Rand, faults map[string]int) {
	toxic := []string{
		fmt.Sprintf(`"type":"latency","attributes":{"latency":%d,"jitter":%d}`, 5+random.IntN(60), random.IntN(20)),
		fmt.Sprintf(`"type":"reset_peer","attributes":{"timeout":%d}`, random.IntN(40)),
		fmt.Sprintf(`"type":"timeout","attributes":{"timeout":%d}`, 1+random.IntN(200)),
		fmt.Sprintf(`"type":"limit_data","attributes":{"bytes":%d}`, random.IntN(200_000)),
	}[random.IntN(4)]
	address := l.servers[random.IntN(len(l.servers))]
	direction := []string{"upstream", "downstream"}[random.IntN(2)]
	lasts := 20*time.Millisecond + shorter(random, 200*time.Millisecond)
	toxics := l.at(address).Toxics
	kind, _, _ := strings.Cut(strings.TrimPrefix(toxic, `"type":"`), `"`)
	faults[kind]++
	whole := make(chan error, 1)
	go func() {
		_, err := toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name":"fault","stream":"%s",%s}`, direction, toxic)))
		if err == nil {
			sleep(ctx, lasts)
			// ctx may be over; the link must be whole again all the same.
			err = toxics.RemoveToxic(context.WithoutCancel(ctx), "fault")
		}
		whole <- err
	}()
	stuck := time.NewTimer(lasts + linkPatience)
	defer stuck.Stop()
	select {
	case err := <-whole:
		if err != nil {
			faults[err.Error()]++
		}
	case <-stuck.C:
		// The proxy waits for itself when a fault ends while data are on their way
		// through it, and lets nothing pass any more.
		faults["the proxy itself hung"]++
		if err := l.place(address); err != nil {
			faults[err.Error()]++
		}
	}
}

// linkPatience is how long a proxy may take to mend a link.
const linkPatience = 3 * time.Second

// shorter is a random time below most.
func shorter(random *rand.Rand, most time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(most)))
}

// sleep reports false when the context ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
