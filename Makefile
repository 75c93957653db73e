# Two commands to know: `make demo` shows what it does, `make test` proves it.
GO      ?= go
BIN     := bin
FUZZTIME ?= 30s

.PHONY: all build test race demo run bench bench-mapping fuzz lint clean

all: build

build: ## bin/polaris-server and bin/setctl
	$(GO) build -trimpath -o $(BIN)/polaris-server ./build/polaris-server
	$(GO) build -trimpath -o $(BIN)/setctl ./build/setctl

# The SDK program is a module of its own: SDK and server need different
# versions of the same packages.
$(BIN)/demo-consumer: scripts/demo/consumer/*.go scripts/demo/consumer/go.mod
	$(GO) build -C scripts/demo/consumer -trimpath -o $(CURDIR)/$@ .

test: build $(BIN)/demo-consumer ## unit, oracle, fuzz seeds, README examples, cases, end to end
	$(GO) vet ./...
	$(BIN)/setctl check build/conf/mapping/* build/conf/routing/*
	$(BIN)/setctl test $(wildcard testdata/cases/*.cases.yaml ../shared/cases/*.cases.yaml)
	$(GO) test -timeout 15m ./...

race: build $(BIN)/demo-consumer ## make test's Go tests under the race detector; needs a C compiler
	$(GO) test -race -timeout 20m ./...

demo: build $(BIN)/demo-consumer ## a server, unmodified SDKs and two failing cities, on loopback
	$(GO) run ./scripts/demo -server $(BIN)/polaris-server -consumer $(BIN)/demo-consumer

run: build ## the server in the foreground, with the sample files
	cd build && exec ../$(BIN)/polaris-server start -c conf/polaris-server.yaml

bench: build ## beside the stock server in one run; ratios (docs/performance.md)
	$(GO) build -trimpath -o $(BIN)/stock-server github.com/polarismesh/polaris
	$(GO) run ./scripts/bench -server $(BIN)/polaris-server -stock $(BIN)/stock-server

bench-mapping: ## a million mapping entries: lookups, loading, memory, reloads (docs/performance-mapping.md)
	$(GO) build -trimpath -o $(BIN)/bench-mapping ./scripts/bench/mapping
	$(BIN)/bench-mapping

fuzz: ## each fuzz target for FUZZTIME
	@set -e; for package in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$package | grep ^Fuzz || true); do \
	    echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package; \
	  done; \
	done

lint: ## golangci-lint v2, if it is installed
	golangci-lint run ./...

clean:
	rm -rf $(BIN) build/log build/data build/polaris.bolt
