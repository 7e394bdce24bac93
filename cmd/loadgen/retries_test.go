package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"leap/internal/sandbox"
	"leap/internal/sandbox/sandboxtest"
)

// injectedRun is what the files of a run say of its transactions.
type injectedRun struct {
	Accounts []struct {
		Op           string `json:"op"`
		Transactions int64  `json:"transactions"`
		Attempts     int64  `json:"attempts"`
	} `json:"accounts"`
	Failures []struct {
		State    string `json:"state"`
		Kind     string `json:"kind"`
		Injected bool   `json:"injected"`
		Retried  bool   `json:"retried"`
		Count    int64  `json:"count"`
	} `json:"failed_attempts"`
}

// TestInjectRetries: when an attempt fails with a probability of p and is made
// again until it does not, a transaction takes 1 + p + p^2 + ... attempts. The
// conflicts that the server adds, few in so large a ledger, are counted apart.
func TestInjectRetries(t *testing.T) {
	const p = 0.1
	expected := 0.0
	for k, q := 0, 1.0; k < 100; k, q = k+1, q*p {
		expected += q
	}
	sandboxtest.EachTarget(t, func(t *testing.T, server *sandbox.Server) {
		url := server.URL(sandboxtest.NewDatabase(t, server))
		ledger := []string{"--workload", "ledger", "--scale", "200", "--target", url, "--progress", "none"}
		if code, _, said := called(t, append([]string{"init"}, ledger...)...); code != 0 {
			t.Fatalf("exit code %d: %s", code, said)
		}
		for _, protocol := range []string{"plain", "cockroach-go"} {
			t.Run(protocol, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				// The number of operations follows from the rate, however slow the server is.
				args := append([]string{
					"run", "--mix", "transfers", "--rate", "400", "--duration", "2s", "--workers", "8", "--out", dir, "--json",
					"--protocol", protocol, "--inject-retries", fmt.Sprint(p), "--slo", "attempts_per_txn<1.2",
				}, ledger...)
				code, out, said := called(t, args...)
				if protocol == "cockroach-go" && server.StandIn() {
					if code != 2 { // there, its RELEASE commits nothing
						t.Errorf("exit code %d on the stand-in", code)
					}
					return
				}
				if code != 0 && code != 4 { // a machine that is too busy
					t.Fatalf("exit code %d: %s", code, said)
				}
				injectedRetries(t, dir, followsTheSchema(t, out), expected)
				// The same transactions break a limit below what was injected,
				// and a busy machine's are no evidence.
				if again, said, _ := called(t, "gate", dir, "--slo", "attempts_per_txn<1.05"); again != 3 && (again != 4 || code != 4) {
					t.Errorf("gate: exit code %d after %d\n%s", again, code, said)
				}
			})
		}
	})
}

// injectedRetries compares what a run counted with what was expected.
func injectedRetries(t *testing.T, dir string, summary map[string]any, expected float64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "end.json"))
	if err != nil {
		t.Fatal(err)
	}
	var end injectedRun
	if err = json.Unmarshal(text, &end); err != nil {
		t.Fatal(err)
	}
	if len(end.Accounts) != 1 || end.Accounts[0].Op != "transfer" {
		t.Fatalf("accounts %+v", end.Accounts)
	}
	n := end.Accounts[0]
	var injected, conflicts int64
	for _, f := range end.Failures {
		switch {
		case f.State != "40001" || !f.Retried:
			t.Errorf("failed attempts %+v", f)
		case f.Injected && f.Kind == "injected":
			injected += f.Count
		default:
			conflicts += f.Count
		}
	}
	perTxn := float64(n.Attempts-conflicts) / float64(n.Transactions)
	t.Logf("%d transactions, %d attempts, %d injected failures, %d conflicts: %.4f, expected %.4f", n.Transactions, n.Attempts, injected, conflicts, perTxn, expected)
	// The standard error is less than a quarter of that: sqrt(p/800) = 1.1 %.
	if math.Abs(perTxn/expected-1) > 0.05 {
		t.Errorf("%.4f attempts per transaction, expected %.4f", perTxn, expected)
	}
	if n.Transactions != 800 || n.Attempts != n.Transactions+injected+conflicts {
		t.Errorf("%+v with %d injected failures and %d conflicts", n, injected, conflicts)
	}
	// What the report counts by operation is the same.
	ops, _ := summary["ops"].([]any)
	op, _ := ops[0].(map[string]any)
	if got := fmt.Sprint(op["retries"]); got != fmt.Sprint(injected+conflicts) {
		t.Errorf("the summary counts %s retries, the account %d", got, injected+conflicts)
	}
}
