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
	byAddress map[string]*toxiproxy.Proxy // by the server's own address
	order     []*toxiproxy.Proxy          // so that a seed means the same link
}

// newLinks puts a proxy in front of the servers until the test ends.
func newLinks(t *testing.T, servers ...*sandbox.Server) *links {
	t.Helper()
	l := &links{byAddress: map[string]*toxiproxy.Proxy{}}
	nowhere := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for _, server := range servers {
		address := net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
		proxy := toxiproxy.NewProxy(nowhere, address, "127.0.0.1:0", address)
		if err := proxy.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Stop)
		l.byAddress[address] = proxy
		l.order = append(l.order, proxy)
	}
	return l
}

// route turns a server's URL into that of its proxy.
func (l *links) route(url string) string {
	if l == nil {
		return url
	}
	for address, proxy := range l.byAddress {
		url = strings.Replace(url, address, proxy.Listen, 1)
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
	proxy := l.order[random.IntN(len(l.order))]
	direction := []string{"upstream", "downstream"}[random.IntN(2)]
	lasts := 20*time.Millisecond + shorter(random, 200*time.Millisecond)
	_, err := proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(`{"name":"fault","stream":"%s",%s}`, direction, toxic)))
	if err != nil {
		faults["not possible: "+err.Error()]++
		return
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(toxic, `"type":"`), `"`)
	faults[kind]++
	sleep(ctx, lasts)
	// ctx may be over; the link must be whole again all the same.
	_ = proxy.Toxics.RemoveToxic(context.WithoutCancel(ctx), "fault")
}

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
