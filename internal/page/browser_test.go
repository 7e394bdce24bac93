package page

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startBrowser starts headless Chromium and speaks to it through a pipe: no
// port is opened. A test is skipped where there is none.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser, but this is -short")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on PATH: the report's page is not opened (Debian: apt-get install chromium)")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	toBrowser, in := pipe(t)
	out, fromBrowser := pipe(t)
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser} // descriptors 3 and 4
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.WaitDelay = 10 * time.Second // its children hold the pipes
	if err := cmd.Start(); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	_ = toBrowser.Close()
	_ = fromBrowser.Close()
	b := &browser{t: t, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	t.Cleanup(func() {
		b.session = ""
		_ = b.send("Browser.close", nil)
		_ = in.Close()
		if err := cmd.Wait(); err != nil && t.Failed() {
			t.Logf("chromium: %v: %s", err, said.String())
		}
		_ = out.Close()
	})
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// browser is a Chromium and what its page did.
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	last    int
	// errors are what the console shows in red, requests what the page asked for.
	errors, requests []string
}

// message is either an answer (ID) or an event (Method) of the protocol.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func (b *browser) send(method string, params any) error {
	b.last++
	m := map[string]any{"id": b.last, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = b.in.Write(append(text, 0))
	return err
}

// call sends a command and decodes its answer, taking note of what happens meanwhile.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	if err := b.send(method, params); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for id := b.last; ; {
		m := b.read()
		if m.ID != id {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return
	}
}

// await reads until an event has come.
func (b *browser) await(method string) {
	b.t.Helper()
	for b.read().Method != method {
	}
}

func (b *browser) read() message {
	b.t.Helper()
	text, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("chromium went away: %v", err)
	}
	var m message
	if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
		b.t.Fatalf("chromium said %.200q: %v", text, err)
	}
	b.note(m)
	return m
}

func (b *browser) note(m message) {
	var p struct {
		Type    string `json:"type"`
		Request struct {
			URL string `json:"url"`
		} `json:"request"`
		Entry struct {
			Level string `json:"level"`
			Text  string `json:"text"`
		} `json:"entry"`
		Args []struct {
			Value any `json:"value"`
		} `json:"args"`
	}
	_ = json.Unmarshal(m.Params, &p) // other events have other parameters
	switch m.Method {
	case "Network.requestWillBeSent":
		b.requests = append(b.requests, p.Request.URL)
	case "Log.entryAdded":
		if p.Entry.Level == "error" || p.Entry.Level == "warning" {
			b.errors = append(b.errors, p.Entry.Text)
		}
	case "Runtime.exceptionThrown":
		b.errors = append(b.errors, string(m.Params))
	case "Runtime.consoleAPICalled":
		if p.Type == "error" || p.Type == "warning" || p.Type == "assert" {
			b.errors = append(b.errors, fmt.Sprint(p.Args))
		}
	}
}

// open attaches to the page, sets the window and the colours, and loads a file.
func (b *browser) open(file string, width int, scheme string) {
	b.t.Helper()
	if b.session == "" {
		var targets struct {
			TargetInfos []struct{ TargetID, Type string } `json:"targetInfos"`
		}
		b.call("Target.getTargets", nil, &targets)
		var session struct {
			SessionID string `json:"sessionId"`
		}
		for _, info := range targets.TargetInfos {
			if info.Type == "page" {
				b.call("Target.attachToTarget", map[string]any{"targetId": info.TargetID, "flatten": true}, &session)
			}
		}
		if b.session = session.SessionID; b.session == "" {
			b.t.Fatal("chromium has no page")
		}
		for _, domain := range []string{"Page", "Network", "Runtime", "Log"} {
			b.call(domain+".enable", nil, nil)
		}
	}
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600,
	}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
	}, nil)
	b.errors, b.requests = nil, nil
	if err := b.send("Page.navigate", map[string]any{"url": "file://" + file}); err != nil {
		b.t.Fatal(err)
	}
	b.await("Page.loadEventFired")
}

// eval returns the value of an expression in the page.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value any } `json:"result"`
		ExceptionDetails *json.RawMessage    `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, *answer.ExceptionDetails)
	}
	return answer.Result.Value
}

// screenshot keeps pictures of the page, a screen each, where LEAP_SCREENSHOTS says.
func (b *browser) screenshot(name string, width int) {
	b.t.Helper()
	dir := os.Getenv("LEAP_SCREENSHOTS")
	if dir == "" {
		return
	}
	const screen = 1200
	height, _ := b.eval(`document.documentElement.scrollHeight`).(float64)
	for n := range int(height+screen-1) / screen {
		var picture struct{ Data string }
		b.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true, "clip": map[string]any{
			"x": 0, "y": n * screen, "width": width, "height": screen, "scale": 1,
		}}, &picture)
		png, err := base64.StdEncoding.DecodeString(picture.Data)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, n+1)), png, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// complaints are what a page may not do.
func (b *browser) complaints() error {
	var errs []error
	for _, e := range b.errors {
		errs = append(errs, fmt.Errorf("the console shows %s", e))
	}
	for _, r := range b.requests {
		if !strings.HasPrefix(r, "file://") && !strings.HasPrefix(r, "data:") {
			errs = append(errs, fmt.Errorf("the page asked the network for %s", r))
		}
	}
	if n := len(b.requests); n != 1 {
		errs = append(errs, fmt.Errorf("%d requests, want the one for the page: %q", n, b.requests))
	}
	return errors.Join(errs...)
}

func TestTheBrowserShowsTheCharts(t *testing.T) {
	b := startBrowser(t)
	for name, r := range map[string]*Report{"sample": sample(), "long": long(), "empty": stranger()} {
		file := filepath.Join(t.TempDir(), name+".html")
		if err := os.WriteFile(file, []byte(written(t, r)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int{1400, 400} {
			for _, scheme := range []string{"light", "dark"} {
				t.Run(fmt.Sprintf("%s-%d-%s", name, width, scheme), func(t *testing.T) {
					b.t = t
					b.open(file, width, scheme)
					b.check(r)
					b.screenshot(fmt.Sprintf("%s-%d-%s", name, width, scheme), width)
				})
				b.t = t
			}
		}
	}
}

// check looks at the page as a person with a console would.
func (b *browser) check(r *Report) {
	b.t.Helper()
	charts := 5.0
	if len(r.Operations) == 0 {
		charts = 0
	}
	if got := b.eval(`document.querySelectorAll(".uplot canvas").length`); got != charts {
		b.t.Errorf("%v charts, want %v", got, charts)
	}
	// The page itself must not scroll sideways: its tables do.
	if got := b.eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); got != 0.0 {
		b.t.Errorf("the page is %v pixels too wide", got)
	}
	if charts > 0 {
		b.eval(`(() => { const s = document.getElementById("operation"); s.value = "2"; s.dispatchEvent(new Event("change")); })()`)
		if got := b.eval(`document.querySelectorAll(".uplot canvas").length`); got != charts {
			b.t.Errorf("%v charts after another operation was picked, want %v", got, charts)
		}
	}
	if err := b.complaints(); err != nil {
		b.t.Error(err)
	}
}

// TestTheBrowserTestCanFail plants what TestTheBrowserShowsTheCharts looks for.
func TestTheBrowserTestCanFail(t *testing.T) {
	b := startBrowser(t)
	for name, planted := range map[string]string{
		"console":   `<script>console.error("planted")</script>`,
		"exception": `<script>throw new Error("planted")</script>`,
		"network":   `<link rel="stylesheet" href="http://127.0.0.1:1/planted.css">`,
		"policy":    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'"><img src="http://127.0.0.1:1/planted.png">`,
	} {
		file := filepath.Join(t.TempDir(), name+".html")
		if err := os.WriteFile(file, []byte("<!doctype html><title>x</title>"+planted), 0o600); err != nil {
			t.Fatal(err)
		}
		b.open(file, 400, "light")
		b.eval("1") // whatever was said before this is known after it
		if err := b.complaints(); err == nil || !strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
