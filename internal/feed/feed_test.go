package feed

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"leap/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func listen(t *testing.T) *Server {
	t.Helper()
	s, err := Listen(t.Context(), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fetch returns the status and the body; err tells of a body that was cut off.
func fetch(t *testing.T, method, url string) (status int, body string, err error) {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	return response.StatusCode, string(all), err
}

func text(s string) Write {
	return func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestAStreamIsServedOnceAndToWhoKnowsTheAddress(t *testing.T) {
	s := listen(t)
	o := s.Offer(t.Context(), "table1", text("1\ta\n"))
	guess := "http://" + s.Address() + "/table1/"
	for _, url := range []string{"http://" + s.Address() + "/", guess, guess + "x", strings.ToLower(o.URL()), o.URL() + "/", o.URL()[:len(o.URL())-1]} {
		if status, body, _ := fetch(t, http.MethodGet, url); status != http.StatusNotFound || strings.Contains(body, "\t") {
			t.Errorf("%s: %d %q", url, status, body)
		}
	}
	if status, _, _ := fetch(t, http.MethodPost, o.URL()); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", status)
	}
	for range 2 {
		if status, body, err := fetch(t, http.MethodHead, o.URL()); status != http.StatusOK || body != "" || err != nil {
			t.Errorf("HEAD: %d %q %v", status, body, err)
		}
	}
	if status, body, err := fetch(t, http.MethodGet, o.URL()); status != http.StatusOK || body != "1\ta\n" || err != nil {
		t.Errorf("GET: %d %q %v", status, body, err)
	}
	if status, body, _ := fetch(t, http.MethodGet, o.URL()); status != http.StatusGone || strings.Contains(body, "\t") {
		t.Errorf("second GET: %d %q", status, body)
	}
	if err := o.Withdraw(); err != nil {
		t.Error(err)
	}
	if status, _, _ := fetch(t, http.MethodGet, o.URL()); status != http.StatusNotFound {
		t.Errorf("after it is withdrawn: %d", status)
	}
}

// TestAFailedStreamIsNotTakenForAWholeOne is what keeps half a table from
// looking like all of it.
func TestAFailedStreamIsNotTakenForAWholeOne(t *testing.T) {
	s := listen(t)
	broken := errors.New("the source is gone")
	o := s.Offer(t.Context(), "t", func(_ context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("row\n", 10_000))
		return broken
	})
	if _, body, err := fetch(t, http.MethodGet, o.URL()); err == nil {
		t.Errorf("%d bytes arrived without an error", len(body))
	}
	if err := o.Withdraw(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestWithdrawEndsAStreamThatRuns(t *testing.T) {
	s := listen(t)
	started := make(chan struct{})
	o := s.Offer(t.Context(), "t", func(ctx context.Context, _ io.Writer) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	cut := make(chan error, 1)
	go func() {
		_, _, err := fetch(t, http.MethodGet, o.URL())
		cut <- err
	}()
	<-started
	if err := o.Withdraw(); !errors.Is(err, ErrWithdrawn) {
		t.Errorf("got %v", err)
	}
	if err := <-cut; err == nil {
		t.Error("the reader saw a whole stream")
	}
	if err := s.Offer(t.Context(), "unfetched", text("x")).Withdraw(); err != nil {
		t.Errorf("a stream that nobody fetched: %v", err)
	}
}

// TestAReaderThatGoesAwayEndsTheStream: the rows must not be read for nobody.
func TestAReaderThatGoesAwayEndsTheStream(t *testing.T) {
	s := listen(t)
	ended := make(chan error, 1)
	o := s.Offer(t.Context(), "t", func(ctx context.Context, w io.Writer) error {
		_, _ = io.WriteString(w, "row\n")
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20)) // past every buffer
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "GET "+strings.TrimPrefix(o.URL(), "http://"+s.Address())+" HTTP/1.1\r\nHost: x\r\n\r\n")
	_, _ = conn.Read(make([]byte, 10))
	_ = conn.Close()
	if cause := <-ended; cause == nil {
		t.Error("the stream went on")
	}
	if err := o.Withdraw(); !errors.Is(err, ErrReaderGone) {
		t.Errorf("the error does not say what happened: %v", err)
	}
}

func TestListen(t *testing.T) {
	if _, err := Listen(t.Context(), "192.0.2.1"); err == nil || fault.ClassOf(err) != fault.Usage || fault.HintOf(err) == "" {
		t.Errorf("an address of another machine: %v", err)
	}
	// A name that the database knows this machine by, with a port to listen on.
	free := listen(t)
	_, port, _ := net.SplitHostPort(free.Address())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Listen(t.Context(), "192.0.2.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	if s.Address() != "192.0.2.1:"+port {
		t.Errorf("it is told as %s", s.Address())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
