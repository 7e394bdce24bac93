// Package feed serves streams of rows over HTTP to a database that loads them
// from a URL. Each stream is offered once, under an address that nobody can
// guess, and to the first who asks. It owns the server and the addresses; what
// is in a stream it does not know.
package feed

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"leap/internal/fault"
)

// Server is an HTTP server on an address of this machine. Close ends it.
type Server struct {
	host   string // as the database reaches it
	server *http.Server
	done   sync.WaitGroup

	mu     sync.Mutex // guards offers
	offers map[string]*Offer
}

// Write writes a stream. An error cuts it off in a way that the reader notices.
type Write func(ctx context.Context, w io.Writer) error

// Offer is one stream that waits to be fetched. Withdraw ends it.
type Offer struct {
	server *Server
	id     string
	token  string
	write  Write
	begin  context.CancelCauseFunc
	ctx    context.Context //nolint:containedctx // the offer's life, handed to the stream

	mu      sync.Mutex // guards what follows
	taken   bool
	fetched bool
	err     error
	ended   chan struct{} // closed when the stream is over, or withdrawn unfetched
}

// ErrWithdrawn is the cause for which the stream of a withdrawn Offer ends.
var ErrWithdrawn = errors.New("the stream is not wanted any more")

// ErrReaderGone says that whoever fetched the stream stopped: he knows why.
var ErrReaderGone = errors.New("the target stopped fetching rows")

// Listen starts a server. address is host:port, or a host alone for any free
// port; a host that is not this machine's is taken for the name under which the
// database reaches it, and the server then listens on all addresses.
func Listen(ctx context.Context, address string) (*Server, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = strings.Trim(address, "[]"), "0"
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil && port != "0" {
		var all error
		if listener, all = config.Listen(ctx, "tcp", ":"+port); all == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "give an address of this machine that the cluster reaches: --import-address host:port",
			fmt.Errorf("serve rows at %s: %w", address, err))
	}
	_, port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve rows at %s: %w", address, err), listener.Close())
	}
	s := &Server{host: net.JoinHostPort(host, port), offers: map[string]*Offer{}}
	const (
		header   = 10 * time.Second // a database asks at once
		maxBytes = 16 << 10
	)
	s.server = &http.Server{
		Handler: s, ReadHeaderTimeout: header, MaxHeaderBytes: maxBytes,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // errors are those of the offers
	}
	s.done.Go(func() { _ = s.server.Serve(listener) }) // ends with Close
	return s, nil
}

// Address is host and port as the database is told.
func (s *Server) Address() string { return s.host }

// Close ends the server and every stream.
func (s *Server) Close() error {
	s.mu.Lock()
	offers := make([]*Offer, 0, len(s.offers))
	for _, o := range s.offers {
		offers = append(offers, o)
	}
	s.mu.Unlock()
	for _, o := range offers {
		_ = o.Withdraw() // whoever made it asks for its error
	}
	err := s.server.Close()
	s.done.Wait()
	if err != nil {
		return fmt.Errorf("stop serving rows: %w", err)
	}
	return nil
}

// Offer makes a stream available. id names it in the address, where others may
// see it; the secret is beside it. ctx bounds the stream.
func (s *Server) Offer(ctx context.Context, id string, write Write) *Offer {
	ctx, cancel := context.WithCancelCause(ctx)
	o := &Offer{server: s, id: id, token: rand.Text(), write: write, ctx: ctx, begin: cancel, ended: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offers[id] = o
	return o
}

// URL is where the stream can be fetched, once.
func (o *Offer) URL() string { return "http://" + o.server.host + "/" + o.id + "/" + o.token }

// Withdraw ends the stream if it is still there and returns its error; nil when
// it was written to its end, or never fetched.
func (o *Offer) Withdraw() error {
	o.server.mu.Lock()
	delete(o.server.offers, o.id)
	o.server.mu.Unlock()
	o.begin(ErrWithdrawn)
	o.mu.Lock()
	if !o.taken {
		o.taken = true
		close(o.ended)
	}
	o.mu.Unlock()
	<-o.ended
	return o.err
}

// Fetched reports whether somebody has asked for the stream.
func (o *Offer) Fetched() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fetched
}

// take makes the caller the one who gets the stream; false when it is gone.
func (o *Offer) take() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.taken {
		return false
	}
	o.taken, o.fetched = true, true
	return true
}

// ServeHTTP answers the database. HEAD asks whether the stream is there, and
// does not take it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o := s.find(r.URL.Path)
	switch {
	case o == nil:
		http.NotFound(w, r)
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusOK)
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case !o.take():
		// A second reader would get the rows twice, or a part of them.
		http.Error(w, "this stream was fetched before", http.StatusGone)
	default:
		o.serve(w, r)
	}
}

func (s *Server) find(path string) *Offer {
	id, token, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.offers[id]
	if o == nil || subtle.ConstantTimeCompare([]byte(o.token), []byte(token)) != 1 {
		return nil
	}
	return o
}

// serve writes the stream. One that fails must not look like one that is
// complete: the connection is cut without the end of the chunked encoding.
func (o *Offer) serve(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(o.ctx)
	defer cancel(nil)
	stop := context.AfterFunc(r.Context(), func() { cancel(ErrReaderGone) })
	defer stop()
	w.Header().Set("Content-Type", "application/octet-stream")
	to := &noticing{Writer: w}
	o.err = o.write(ctx, to) //nolint:contextcheck // it lives as long as the offer and the request
	switch {
	case o.err == nil:
	case to.failed || r.Context().Err() != nil:
		o.err = ErrReaderGone
	case ctx.Err() != nil && errors.Is(o.err, context.Canceled):
		o.err = context.Cause(ctx) //nolint:contextcheck // of the same
	}
	failed := o.err != nil
	close(o.ended)
	if failed {
		panic(http.ErrAbortHandler)
	}
}

// noticing remembers that writing failed.
type noticing struct {
	io.Writer
	failed bool
}

func (n *noticing) Write(p []byte) (int, error) {
	written, err := n.Writer.Write(p)
	n.failed = n.failed || err != nil
	return written, err //nolint:wrapcheck // a writer's error
}
