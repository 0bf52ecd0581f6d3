# make lists the targets. A machine needs Go, Node and a C compiler; nothing else is installed.

GO         ?= go
LISTEN     ?= 127.0.0.1:8080
DATA       ?= ./clientele-data
PEOPLE     ?=
TESTFLAGS  ?=
FUZZTIME   ?= 10s
BENCH      ?= .
BENCHTIME  ?= 1s
PROFILES   ?= 1000000
EVENTS     ?= 300000
BENCHFLAGS ?=
BENCH_DATA ?= bin/bench-data
# Packages whose benchmarks print rows or events a second.
BENCH_PACKAGES ?= ./internal/collect ./internal/eventlog
STATICCHECK    ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK    ?= golang.org/x/vuln/cmd/govulncheck@v1.1.4
VERSION        ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# Pebble's blocks are packed with Snappy. The zstd that it can also read is the one in Go, which the program has
# anyway, instead of one in C that takes half a minute to compile. Without paths in it a build is found in the cache
# from any clone.
export GOFLAGS += -trimpath -tags=pebblegozstd

.DEFAULT_GOAL := help
.PHONY: help build console run test check lint bench bench-quick bench-large bench-build bench-stages fuzz e2e soak vuln clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/clientele
	$(GO) build -buildvcs=false -ldflags "-X main.version=$(VERSION)" -o bin/clientele ./cmd/clientele

console: ## build the pages of the console into the program's sources (needs Node); make build takes them in
	cd console && npm ci && npm run check && npm run build

run: build ## the demo shop on LISTEN with DATA: a year of PEOPLE (20,000), then live, until Ctrl-C
	@bin/clientele demo --listen '$(LISTEN)' --data '$(DATA)' $(if $(PEOPLE),--people $(PEOPLE))

test: ## all tests, with the race detector
	$(GO) test -race -timeout 20m $(TESTFLAGS) ./...

check: lint vuln test e2e ## what CI runs: lint and all tests

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l $$(find . -name '*.go' -not -path './node_modules/*' -not -path './.git/*')); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

vuln: ## govulncheck: known vulnerabilities in what is called; says so where its database cannot be reached
	@GO='$(GO)' GOVULNCHECK='$(GOVULNCHECK)' sh scripts/vuln.sh

bench: bench-build ## the numbers it is designed for, over HTTP, at 100,000 and 1,000,000 profiles, then bench-stages (about 40 minutes the first time)
	bin/bench -program bin/clientele -data '$(BENCH_DATA)' -out bin/bench.md $(BENCHFLAGS)
	$(MAKE) bench-stages

bench-quick: bench-build ## the same, small: 1,000 and 10,000 profiles, under 90 seconds; not for comparing
	bin/bench -size quick -program bin/clientele -data '$(BENCH_DATA)' -out bin/bench-quick.md $(BENCHFLAGS)

bench-large: bench-build ## the same at 30,000,000 profiles, prepared once (hours, and tens of GB in BENCH_DATA)
	bin/bench -size large -program bin/clientele -data '$(BENCH_DATA)' -out bin/bench-large.md $(BENCHFLAGS)

bench-build: build
	$(GO) build -buildvcs=false -o bin/bench ./bench

bench-stages: ## stage by stage in one process: log, collect, import, matching, lifetime value, features, previews, and the resolver at PROFILES profiles (about 20 minutes)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -timeout 30m $(BENCH_PACKAGES)
	GOGC=200 $(GO) test -run '^$$' -bench 'Import$$' -benchtime 1x -timeout 30m ./internal/app
	$(GO) test -run '^$$' -bench 'Match$$' -benchtime 1x -timeout 10m ./cmd/clientele
	$(GO) test -run '^$$' -bench 'Near$$' -benchtime 1x -timeout 10m ./internal/linkage
	$(GO) test -run '^$$' -bench 'PredictLTV$$' -benchtime 1x -timeout 10m ./cmd/clientele
	$(GO) test -run '^$$' -bench 'Features$$' -benchtime 1x -timeout 10m ./internal/predict/feature
	$(GO) test -run '^$$' -bench 'Answers$$' -benchtime 1x -timeout 20m ./internal/app
	$(GO) test -run '^$$' -bench 'Preview$$' -benchtime 1x -timeout 25m ./internal/audience/preview -args -profiles $(PROFILES) -events 20000000
	GOGC=200 $(GO) test -run '^$$' -bench 'Resolver$$' -benchtime 1x -timeout 60m ./internal/app -args -profiles $(PROFILES) -events $(EVENTS)

fuzz: ## every fuzz test for FUZZTIME each
	@GO='$(GO)' FUZZTIME='$(FUZZTIME)' sh scripts/fuzz.sh

e2e: ## the tests of the whole program: kills, full disk, real files, real libraries; and what takes long with the race detector (about 12 minutes)
	CLIENTELE_E2E=1 $(GO) test -count=1 -timeout 30m $(TESTFLAGS) ./e2e/...
	$(GO) test -count=1 $(TESTFLAGS) -run 'TestCDNOW$$|TestOnlineRetail$$|TestPredictUpliftHillstrom$$' ./cmd/clientele ./internal/importer
	$(GO) test -count=1 $(TESTFLAGS) ./deploy ./internal/insight ./internal/linkage ./internal/predict/... ./internal/resolve ./internal/shop
	CLIENTELE_E2E=1 $(GO) test -count=1 $(TESTFLAGS) -run 'TestPredictionsOf(Retail|TheShop)$$|TestModelsThatAnswer$$|TestStockOfMany$$' ./internal/app

soak: ## a million events, backed up, rebuilt and restored to equal digests (about 6 minutes)
	CLIENTELE_E2E=1 CLIENTELE_SOAK=1 $(GO) test -count=1 -timeout 40m -v -run 'TestSoak' ./e2e

clean: ## remove what was built and generated; the data directory stays
	rm -rf bin
	$(GO) clean -testcache
