// Package metrics shows a running load or a running move to Prometheus. It is
// the only importer of Prometheus' client, and it only shows: a load's verdict
// comes from the run's own histograms, which are a hundred times finer, and a
// move's from its report.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"leap/internal/fault"
)

// newRegistry returns a registry with what the collector and the process itself show.
func newRegistry(c prometheus.Collector) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// serve answers scrapes of /metrics on the address until stop is called, which
// waits for the end. The returned address has the port that was found for
// port 0.
func serve(ctx context.Context, address string, registry *prometheus.Registry) (found string, stop func() error, err error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, fault.Wrap(fault.Usage, "give --metrics a free address of this machine, such as :9464 or 127.0.0.1:0",
			fmt.Errorf("listen for Prometheus: %w", err))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	stop = func() error {
		closeErr := server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			return errors.Join(err, closeErr)
		}
		return closeErr
	}
	return l.Addr().String(), stop, nil
}
