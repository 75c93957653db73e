# Two commands to know: `make demo` shows what it does, `make test` proves it;
# `make help` has the others. All build with the flags of a plain `go build`, so
# that nothing is compiled twice; only the image has -trimpath.
GO      ?= go
BIN     := bin
# Debian has mariadbd and ip where only the PATH of root looks.
export PATH := $(PATH):/usr/sbin:/sbin
# Tests compare English texts.
export LC_ALL := C.UTF-8
FUZZTIME ?= 10m
STAMP   := -X github.com/polaris-contrib/setrouter/internal/buildinfo.stamp=$(shell git describe --tags --always --dirty 2>/dev/null)

.PHONY: all help build kubectl-setrouter image dist test model test-image test-dist test-kubernetes test-clients race demo sandbox run bench bench-large bench-company bench-mapping soak churn night simulate fuzz fuzz-keep lint clean

all: build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/polaris-server and bin/setctl
	@echo "Compiling; the first time, this takes minutes."
	$(GO) build -ldflags "$(STAMP)" -o $(BIN)/polaris-server ./build/polaris-server
	$(GO) build -ldflags "$(STAMP)" -o $(BIN)/setctl ./build/setctl

kubectl-setrouter: build ## bin/kubectl-setrouter, the plugin of kubectl (docs/helm.md)
	$(GO) build -ldflags "$(STAMP)" -o $(BIN)/kubectl-setrouter ./build/kubectl-setrouter

image: ## a container image, by buildah, which it needs beside go and git; IMAGE=name:tag
	build/image/build $(IMAGE)

dist: ## all that a release has, into bin/dist (RELEASE.md): make dist VERSION=v0.9.0; without VERSION what git describe says. Needs buildah
	build/dist/build $(VERSION)

# The SDK program is a module of its own: SDK and server need different
# versions of the same packages.
$(BIN)/demo-consumer: scripts/demo/consumer/*.go scripts/demo/consumer/go.mod
	$(GO) build -C scripts/demo/consumer -o $(CURDIR)/$@ .

# So are the programs with the frameworks. Their go.sum has every module, so that
# no build asks the checksum database, which does not know one of tRPC-Go's.
CLIENTS := $(addprefix $(BIN)/client-,trpc-go grpc-go dubbo-go)

.SECONDEXPANSION:
$(CLIENTS): $(BIN)/client-%: $$(wildcard scripts/clients/$$*/*)
	$(GO) build -C scripts/clients/$* -o $(CURDIR)/$@ .

test: build $(BIN)/demo-consumer $(BIN)/client-trpc-go ## unit, oracle, fuzz seeds, README examples, cases, end to end; and what was skipped
	$(GO) vet ./...
	$(BIN)/setctl check build/conf/mapping/* build/conf/routing/*
	$(BIN)/setctl test $(wildcard testdata/cases/*.cases.yaml testdata/gallery/*/*.cases.yaml testdata/field/*/*.cases.yaml ../shared/cases/*.cases.yaml)
	$(GO) run ./scripts/skipped $(GO) test -timeout 38m ./...

model: ## the small model of make test with every evacuation; takes 10 minutes or so
	$(GO) test -count=1 -timeout 2h -run TestModel ./plugin/router/route -args -large-model

test-image: ## builds the image twice, and starts it; needs root, and Debian's buildah and iproute2
	$(GO) test -tags image -count=1 -timeout 20m -v ./build/image

test-dist: ## builds a release in two clones, compares all bytes and looks into them; 30 minutes on 2 cores; needs root, and Debian's buildah and qemu-user-static
	$(GO) test -tags dist -count=1 -timeout 2h -v ./build/dist

test-kubernetes: build ## the tests with a real kube-apiserver, which the first run builds (5 to 10 minutes), and with Helm 3 and 4; needs Debian's etcd-server, mariadb-server and redis-server
	scripts/kubernetes/build-apiserver
	$(GO) test -tags kubernetes -count=1 -timeout 25m -run Kubernetes ./internal/test/kubetest/... ./plugin/location/kubernetes/... ./build/polaris-server/... ./build/kubernetes/... ./build/kubectl-setrouter/...

test-clients: build $(BIN)/demo-consumer $(CLIENTS) ## every unmodified client of docs/compatibility.md against a real server; and what was skipped. Needs the registries of Maven, PyPI and npm
	$(GO) run ./scripts/skipped $(GO) test -tags clients -count=1 -timeout 60m -v -run 'TestSDKMatrix|TestClients|TestUsers|TestEurekaClients|TestUnroutedProtocols' ./build/polaris-server

race: build $(BIN)/demo-consumer ## tests under the race detector, but those of whole processes, which it does not see; needs a C compiler
	$(GO) test -race -timeout 20m $$($(GO) list ./... | grep -v /build/)

demo: build $(BIN)/demo-consumer ## a server, unmodified SDKs and two failing cities, on loopback
	$(GO) run ./scripts/demo -server $(BIN)/polaris-server -consumer $(BIN)/demo-consumer

sandbox: build $(BIN)/demo-consumer ## a company on loopback until Ctrl-C, to try things on (docs/sandbox.md); SANDBOXFLAGS="-company tutorial -ports 18090,18091,18095 -open"
	$(GO) build -o $(BIN)/sandbox ./scripts/sandbox
	@exec $(BIN)/sandbox $(SANDBOXFLAGS)

run: build ## the server in the foreground, with the sample files
	cd build && exec ../$(BIN)/polaris-server start -c conf/polaris-server.yaml

bench: build $(BIN)/demo-consumer ## beside the stock server in one run; ratios (docs/performance.md)
	$(GO) build -o $(BIN)/stock-server github.com/polarismesh/polaris
	$(GO) run ./scripts/bench -server $(BIN)/polaris-server -stock $(BIN)/stock-server

bench-large: build ## the same with 100,000 instances; needs 10 GB
	$(GO) build -o $(BIN)/stock-server github.com/polarismesh/polaris
	$(GO) run ./scripts/bench -server $(BIN)/polaris-server -stock $(BIN)/stock-server -instances 100000 -sets 1000 -campuses 27 \
	  -callers 20 -fleet 40 -fleet-time 20s -rounds 1 -entries 1000 -sdk ""

bench-company: build ## 5,000 services, 2,000 rules and 20,000 callers beside the stock server, in turns (docs/performance.md); needs 6 GB and 21,000 open files, or COMPANYFLAGS="-callers 10000"
	$(GO) build -o $(BIN)/stock-server github.com/polarismesh/polaris
	$(GO) build -o $(BIN)/bench-company ./scripts/bench/company
	$(BIN)/bench-company -server $(BIN)/polaris-server -stock $(BIN)/stock-server $(COMPANYFLAGS)

bench-mapping: ## a million mapping entries: lookups, loading, memory, reloads (docs/performance-mapping.md)
	$(GO) build -o $(BIN)/bench-mapping ./scripts/bench/mapping
	$(BIN)/bench-mapping

soak: build $(BIN)/demo-consumer ## two nodes for 30 minutes while everything changes, every answer checked (docs/reliability.md); needs mariadb-server and redis-server
	$(GO) build -o $(BIN)/soak ./scripts/soak
	$(BIN)/soak -server $(BIN)/polaris-server -sdk $(BIN)/demo-consumer $(SOAKFLAGS)

churn: build ## clients over Eureka for an hour beside a stock server, while everything changes (docs/reliability.md); CHURNFLAGS="-for 10m"
	$(GO) build -o $(BIN)/stock-server github.com/polarismesh/polaris
	$(GO) run ./scripts/churn -server $(BIN)/polaris-server -stock $(BIN)/stock-server $(CHURNFLAGS)

simulate: ## ten failures against seven ways to degrade, by the server's decisions (docs/capacity.md); SIMULATEFLAGS="-dump FILE"
	$(GO) run ./scripts/simulate $(SIMULATEFLAGS)

soak-clients: build ## unmodified Nacos and Eureka clients for 30 minutes, killed and cut off at random, every list checked (docs/reliability.md). Needs the registries of Maven, PyPI and npm
	$(GO) build -o $(BIN)/soak-clients ./scripts/soak-clients
	$(BIN)/soak-clients -server $(BIN)/polaris-server $(SOAKFLAGS)

night: build $(BIN)/demo-consumer ## a night on three nodes: what goes wrong, and in how many seconds who says so (docs/operations.md); 40 minutes; needs mariadb-server, redis-server and prometheus
	$(GO) build -o $(BIN)/night ./scripts/night
	$(BIN)/night -server $(BIN)/polaris-server -setctl $(BIN)/setctl -sdk $(BIN)/demo-consumer $(NIGHTFLAGS)

fuzz: ## every fuzz target for FUZZTIME (10m), until the first finding; FUZZFLAGS="-run route/Fuzz -parallel 1"
	$(GO) run ./scripts/fuzz -time $(FUZZTIME) $(FUZZFLAGS)

fuzz-keep: ## puts what the fuzzer found interesting beside the tests, as far as it covers more than they do
	$(GO) run ./scripts/fuzz -keep $(FUZZFLAGS)

lint: ## golangci-lint v2, if it is installed
	golangci-lint run ./...

clean: ## removes what make has built, and what make run has stored
	rm -rf $(BIN) build/log build/data build/polaris.bolt
