# `make` alone lists the targets.

SHELL       := /bin/sh
.DEFAULT_GOAL := help

# CI and packagers may set VERSION; a checkout without git history is "dev".
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS      = -X main.version=$(VERSION)

# Extra arguments: make test TEST_ARGS='-run TestResume', make bench BENCH_ARGS=--help
TEST_ARGS   ?=
BENCH_ARGS  ?=
DEMO_ARGS   ?=

# Each test process may run a source and a target of its own. Two at a time is
# what two cores and a laptop's memory carry; a package that needs more than a
# half an hour hangs.
TEST_FLAGS  := -race -count=1 -p 2 -timeout 30m

GOLANGCI    := bin/golangci-lint

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: servers build ## migrate a sample bank between local servers, verify it and load it
	bin/migrate demo $(DEMO_ARGS)

# Not a file rule: only the Go command knows when the program is out of date.
# Without C the programs need no library of the machine they run on.
.PHONY: build
build: export CGO_ENABLED = 0
build: ## build bin/migrate and bin/loadgen
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/migrate ./cmd/migrate
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/loadgen ./cmd/loadgen

.PHONY: servers
servers: ## install the database servers that demo and tests start, where missing
	sh scripts/servers.sh

.PHONY: test
test: servers ## run all tests with the race detector, on real servers
	go run ./tools/gotest $(TEST_FLAGS) $(TEST_ARGS) ./...

.PHONY: torture
torture: servers ## break command, servers and network while 2 million rows are copied, kill the move of 12 tenants, move 1 % of 2 million rows; SEED repeats a run
	LEAP_TORTURE=1 LEAP_TORTURE_SEED=$(SEED) go run ./tools/gotest -count=1 -timeout 90m -v -run '^(TestTorture|TestFleet|TestSmallSliceReadsLittle)$$' $(TEST_ARGS) ./internal/e2e ./internal/source

.PHONY: mutations
mutations: servers ## plant 5,000 damages per tier and target, all to be found; none on 20 random databases
	LEAP_MUTATIONS=5000 go test -count=1 -timeout 60m -run '^(TestEveryMutationIsFound|TestNoAlarmOnEqualData)$$' -v $(TEST_ARGS) ./internal/migrate

.PHONY: unit
unit: ## run the tests that need no servers
	go test -short -race $(TEST_ARGS) ./...

.PHONY: bench
bench: servers build ## measure copy and verify on local servers
	go run ./cmd/internal/bench $(BENCH_ARGS)

.PHONY: bench-loadgen
bench-loadgen: servers build ## measure the load generator itself, against pgbench too
	go run ./cmd/internal/benchload $(BENCH_ARGS)

.PHONY: lint
lint: $(GOLANGCI) ## check style, layering and formatting
	go vet ./...
	$(GOLANGCI) run ./...
	$(GOLANGCI) fmt --diff

.PHONY: fmt
fmt: $(GOLANGCI) ## format the code
	$(GOLANGCI) fmt

.PHONY: docs
docs: ## write the reference pages anew from the code
	go run ./cmd/internal/docs

.PHONY: clean
clean: ## remove what make built
	rm -rf bin

# The linter is built from source, at the version and with the checksums that
# tools/lint pins. The first build takes two to three minutes on two cores.
$(GOLANGCI): tools/lint/go.mod tools/lint/go.sum
	go build -C tools/lint -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
